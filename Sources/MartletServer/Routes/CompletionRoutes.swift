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
        try await service.respond(to: try completion(chat: json), headers, on: context)
    }

    func completion(chat json: JSONValue) throws(APIError) -> Completion<ChatCompletionView> {
        let request = try chatRequest(json)
        return Completion(kind: .chat, body: json, options: request.options, idPrefix: "chatcmpl-") { head in
            ChatCompletionView(
                head: head, includesUsage: request.options.includesUsage,
                stage: request.options.probabilityStage)
        } prepare: { model throws(APIError) in
            let rendered = try model.render(request)
            var prepared = PreparedPrompt(prompt: rendered.prompt, visibleMarkers: rendered.visibleMarkers)
            if request.reasoningFormat != .none, let markers = rendered.markers {
                prepared.splitter = ReasoningSplitter(markers, isOpen: rendered.reasoning == .open)
            }
            return prepared
        }
    }

    private func respond(
        toText json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        try await service.respond(to: try completion(text: json), headers, on: context)
    }

    func completion(text json: JSONValue) throws(APIError) -> Completion<TextCompletionView> {
        let request = try TextCompletionRequest(
            json, defaults: configuration.completionDefaults, randomSeed: .random(in: 0 ... .max))
        return Completion(kind: .text, body: json, options: request.options, idPrefix: "cmpl-") { head in
            TextCompletionView(
                head: head, includesUsage: request.options.includesUsage,
                stage: request.options.probabilityStage)
        } prepare: { _ throws(APIError) in
            PreparedPrompt(prompt: request.prompt)
        }
    }
}
