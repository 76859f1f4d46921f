internal import Hummingbird
internal import MartletAPI
internal import MartletProtocol

/// The routes that say what the model makes of texts.
struct EmbeddingRoutes: Sendable {
    let configuration: ServerConfiguration
    let engine: any EngineService
    let gate: ModelGate

    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/embeddings") { request, _ in try await respond(to: request, isOpenAI: true) }
        table.add(.post, "/embeddings", "/embedding") { request, _ in try await respond(to: request, isOpenAI: false) }
    }

    private func respond(to request: Request, isOpenAI: Bool) async throws -> Response {
        let body = try EmbeddingRequest(
            try await request.json(upTo: configuration.limits.bodyBytes), isOpenAI: isOpenAI)
        let model = try gate.readyModel()
        try model.check(name: body.model, configuration: configuration)
        guard let pooling = model.information.embeddingPooling else {
            throw APIError(
                .notSupported, "This server does not support embeddings. Start it with `--embeddings`")
        }
        try body.check(pooling)
        return .json(
            try body.response(
                try await engine.embed(body.inputs), pooling: pooling, model: configuration.modelName))
    }
}
