internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletProtocol
internal import MartletStreams

/// The routes that compute embeddings, in OpenAI's and llama-server's formats.
struct EmbeddingRoutes: Sendable {
    let configuration: ServerConfiguration
    let models: any ModelDirectory
    let registry: GenerationRegistry

    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/embeddings") { request, context in
            try await respond(to: request, isOpenAI: true, on: context)
        }
        table.add(.post, "/embeddings", "/embedding") { request, context in
            try await respond(to: request, isOpenAI: false, on: context)
        }
    }

    /// Validates, waits for admission within the owner's quota, and computes. Nothing is computed for a client that
    /// disconnects.
    private func respond(to request: Request, isOpenAI: Bool, on context: EdgeContext) async throws -> Response {
        let body = try EmbeddingRequest(
            try await request.json(upTo: configuration.limits.textBodyBytes), isOpenAI: isOpenAI,
            normalization: configuration.embeddingNormalization,
            isStrict: configuration.completionDefaults.refusesUnknownFields)
        let handle = try models.model(named: body.model)
        let terms = try LeaseTerms(request)
        return try await context.untilDisconnect {
            try await handle.withModel(terms) { model in
                try model.check(name: body.model, configuration: handle.configuration)
                guard let pooling = model.information.embeddingPooling else {
                    throw APIError(
                        .notSupported, "This server does not support embeddings. Start it with `--embeddings`")
                }
                try body.check(pooling)
                try configuration.limits.text.check(body.inputs, field: "input")
                let embeddings = try await registry.withAdmission(of: context.requestInfo.owner) {
                    try await handle.engine.embed(body.inputs)
                }
                var headers = HTTPFields()
                headers.setWarnings(models.warning(about: body.model), body.warnings)
                return .json(
                    try body.response(embeddings, pooling: pooling, model: handle.name), headers: headers)
            }
        }
    }
}
