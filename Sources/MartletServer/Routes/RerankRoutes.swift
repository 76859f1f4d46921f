internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletProtocol
internal import MartletStreams

/// The routes that order documents by their relevance for a query.
struct RerankRoutes: Sendable {
    let configuration: ServerConfiguration
    /// Resolves the model that a request names, and its engine.
    let models: any ModelDirectory
    /// Counts a request towards the quota of its owner while it runs.
    let registry: GenerationRegistry

    /// Adds the route under the names that llama-server, Jina, Cohere and Text Embeddings Inference use.
    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/rerank", "/rerank", "/v1/reranking", "/reranking", "/v2/rerank") { request, context in
            try await respond(to: request, on: context)
        }
    }

    /// Validates, waits for admission within the owner's quota, and scores. Nothing is computed for a client that
    /// disconnects.
    private func respond(to request: Request, on context: EdgeContext) async throws -> Response {
        let body = try RerankRequest(
            try await request.json(upTo: configuration.limits.textBodyBytes),
            isStrict: configuration.completionDefaults.refusesUnknownFields)
        let handle = try models.model(named: body.model)
        let terms = try LeaseTerms(request)
        return try await context.untilDisconnect {
            try await handle.withModel(terms) { model in
                try model.check(name: body.model, configuration: handle.configuration)
                let inputs = body.inputs(try format(of: model.information))
                try configuration.limits.text.check(inputs, field: body.documentField)
                let scores = try await registry.withAdmission(of: context.requestInfo.owner) {
                    try await self.scores(of: inputs, body, handle.engine)
                }
                var headers = HTTPFields()
                headers.setWarnings(models.warning(about: body.model), body.warnings)
                return .json(body.response(scores, model: handle.name), headers: headers)
            }
        }
    }

    /// The scores of the inputs, each as the first element of a vector.
    ///
    /// - Throws: `contextExceeded` that names the documents, for an input that is too long.
    private func scores(
        of inputs: [Prompt], _ body: RerankRequest, _ engine: any EngineService
    ) async throws(EngineError) -> [Embedding] {
        do {
            return try await engine.embed(inputs)
        } catch {
            var error = error
            if error.code == .contextExceeded {
                error.message = "Field '\(body.documentField)': query and document are one input: \(error.message)"
                error.parameter = body.documentField
            }
            throw error
        }
    }

    /// - Throws: `notSupported` with the reason why the model ranks no documents.
    private func format(of model: ModelInformation) throws(APIError) -> RerankFormat {
        if let format = model.rerankFormat { return format }
        throw APIError(
            .notSupported,
            model.embeddingPooling.map {
                "The pooling of this server is '\($0)', which makes embeddings and no scores. "
                    + "Start it with `--reranking` and a reranking model"
            } ?? "This server ranks no documents. Start it with `--reranking` and a reranking model")
    }
}
