internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletJSON
internal import MartletStreams

extension ReasoningSplitter: OutputSplitter {}

/// The routes that generate, and the one that shows what they would.
struct CompletionRoutes: Sendable {
    let service: CompletionService
    private var configuration: ServerConfiguration { service.configuration }

    init(service: CompletionService) { self.service = service }

    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/chat/completions", "/chat/completions") { request, context in
            try await respond(toChat: try await json(request), request.headers, on: context)
        }
        table.add(.post, "/v1/completions") { request, context in
            try await respond(toText: try await json(request), request.headers, on: context)
        }
        table.add(.post, "/apply-template") { request, _ in
            let chat = try chatRequest(try await json(request))
            return .json(["prompt": .string(try service.gate.readyModel().render(chat).text)])
        }
    }

    private func json(_ request: Request) async throws -> JSONValue {
        try await request.json(upTo: configuration.limits.bodyBytes)
    }

    private func chatRequest(_ json: JSONValue) throws(APIError) -> ChatCompletionRequest {
        try ChatCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: .random(in: 0 ... .max))
    }

    private func respond(
        toChat json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let request = try chatRequest(json)
        let makeView = { @Sendable (head: ResponseHead) in
            ChatCompletionView(
                head: head, includesUsage: request.options.includesUsage,
                stage: request.options.probabilityStage)
        }
        let completion = Completion<ChatCompletionView>(
            options: request.options, idPrefix: "chatcmpl-", makeView: makeView, chat: request
        ) { model throws(APIError) in
            let rendered = try model.render(request)
            var prepared = PreparedPrompt(prompt: rendered.prompt, visibleMarkers: rendered.visibleMarkers)
            if request.reasoningFormat != .none, let markers = rendered.markers {
                prepared.splitter = ReasoningSplitter(markers, isOpen: rendered.reasoning == .open)
            }
            prepared.reasoning = model.reasoningRule(for: request, rendered)
            return prepared
        }
        return try await service.respond(to: completion, headers, on: context)
    }

    private func respond(
        toText json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let request = try TextCompletionRequest(
            json, defaults: configuration.completionDefaults, randomSeed: .random(in: 0 ... .max))
        let completion = Completion<TextCompletionView>(options: request.options, idPrefix: "cmpl-") { head in
            TextCompletionView(
                head: head, includesUsage: request.options.includesUsage,
                stage: request.options.probabilityStage)
        } prepare: { _ throws(APIError) in
            PreparedPrompt(prompt: request.prompt)
        }
        return try await service.respond(to: completion, headers, on: context)
    }
}
