internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams

// The summary of a conversation. It is a response whose input asks for one (`Compaction`), so limits, errors and the
// end with the connection are those of `/v1/responses`.
extension CompletionRoutes {
    /// Adds `/v1/responses/compact`.
    func addCompaction(to table: inout RouteTable) {
        table.add(.post, "/v1/responses/compact", "/responses/compact") { request, context in
            let json = try await request.json(upTo: configuration.limits.bodyBytes)
            return try await respond(toCompaction: json, request.headers, on: context)
        }
    }

    /// Has the model write a summary, and responds with the messages of the user and the summary.
    private func respond(
        toCompaction json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let dialect = Dialect.responses
        let (body, earlier) = try await history.context(
            of: try Compaction.request(json), in: dialect, of: context.requestInfo.owner,
            on: context.channel.eventLoop)
        let plan = plan(of: dialect, try read(body, in: dialect, after: earlier), body, prompts: [])
        let generation = try await begin(plan, headers, on: context)
        try await waitForEnd(of: generation, plan, on: context)
        let bytes = try APIError.mapping { () throws(GenerationError) in
            try generation.spec.view.response(for: generation.log.events)
        }
        let object = Compaction.object(
            try JSONParser.parse(bytes, limits: .envelope), of: earlier + ResponseItemList.items(of: body))
        var response = Response.json(object.bytes, headers: generation.headers)
        response.headers.setWarnings(service.models.warning(about: plan.options.model), plan.options.warnings)
        return response
    }
}
