internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletProtocol
internal import MartletStreams

/// The routes that say what the model makes of texts.
struct EmbeddingRoutes: Sendable {
    let configuration: ServerConfiguration
    let engine: any EngineService
    let gate: ModelGate
    let registry: GenerationRegistry

    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/embeddings") { request, context in
            try await respond(to: request, isOpenAI: true, owner: context.notes.owner)
        }
        table.add(.post, "/embeddings", "/embedding") { request, context in
            try await respond(to: request, isOpenAI: false, owner: context.notes.owner)
        }
    }

    private func respond(to request: Request, isOpenAI: Bool, owner: Owner) async throws -> Response {
        let body = try EmbeddingRequest(
            try await request.json(upTo: configuration.limits.bodyBytes), isOpenAI: isOpenAI)
        let model = try gate.readyModel()
        try model.check(name: body.model, configuration: configuration)
        guard let pooling = model.information.embeddingPooling else {
            throw APIError(
                .notSupported, "This server does not support embeddings. Start it with `--embeddings`")
        }
        try body.check(pooling)
        let embeddings = try await registry.withPlace(of: owner) { try await engine.embed(body.inputs) }
        var headers = HTTPFields()
        headers[.warnings] = model.warning(about: body.model, configuration: configuration)
        return .json(try body.response(embeddings, pooling: pooling, model: configuration.modelName), headers: headers)
    }
}
