internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGrammar
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams

extension ReasoningSplitter: OutputSplitter {}

extension RenderedPrompt {
    /// A constraint of the answer with the thinking that may come before it, which it does not hold.
    func constraint(_ answer: GenerationConstraint?) throws(APIError) -> GenerationConstraint? {
        guard let answer, let markers, reasoning != .closed else { return answer }
        do throws(GrammarError) {
            return GenerationConstraint(
                try answer.grammar.afterReasoning(
                    from: markers.start, to: markers.end, isOpen: reasoning == .open))
        } catch {
            throw APIError(error, field: "grammar")
        }
    }
}

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
        table.add(.post, "/completion", "/completions") { request, context in
            try await respond(toNative: try await json(request), request.headers, on: context)
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
        let makeView = { @Sendable (head: ResponseHead) in
            ChatCompletionView(head: head, options: request.options)
        }
        return Completion(
            kind: .chat, body: json, options: request.options, idPrefix: "chatcmpl-", makeView: makeView,
            chat: request
        ) { model throws(APIError) in
            let rendered = try model.render(request)
            var prepared = PreparedPrompt(prompt: rendered.prompt, visibleMarkers: rendered.visibleMarkers)
            if request.reasoningFormat != .none, let markers = rendered.markers {
                prepared.splitter = ReasoningSplitter(markers, isOpen: rendered.reasoning == .open)
            }
            prepared.constraint = try rendered.constraint(request.options.constraint)
            prepared.reasoning = model.reasoningRule(for: request, rendered)
            return prepared
        }
    }

    private func respond(
        toText json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let request = try textRequest(json)
        let needsText = request.echoes || request.options.told.isVerbose
        let prompt = needsText ? try await text(of: request.prompt) : ""
        return try await service.respond(to: completion(request, json, prompt: prompt), headers, on: context)
    }

    private func textRequest(_ json: JSONValue) throws(APIError) -> TextCompletionRequest {
        try TextCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: .random(in: 0 ... .max))
    }

    /// - Parameter prompt: what a client is told that its prompt was.
    func completion(text json: JSONValue, prompt: String) throws(APIError) -> Completion<TextCompletionView> {
        completion(try textRequest(json), json, prompt: prompt)
    }

    private func completion(
        _ request: TextCompletionRequest, _ json: JSONValue, prompt: String
    ) -> Completion<TextCompletionView> {
        Completion(
            kind: .text, body: json, promptText: prompt, options: request.options, idPrefix: "cmpl-"
        ) { head in
            TextCompletionView(head: head, options: request.options, prompt: prompt, echoes: request.echoes)
        } prepare: { _ throws(APIError) in
            PreparedPrompt(prompt: request.prompt)
        }
    }

    private func respond(
        toNative json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let (request, prompt) = try nativeRequest(json)
        let text = try await text(of: prompt)
        return try await service.respond(to: completion(request, prompt, json, text: text), headers, on: context)
    }

    private func nativeRequest(_ json: JSONValue) throws(APIError) -> (NativeCompletionRequest, Prompt) {
        let request = try NativeCompletionRequest(
            json, defaults: configuration.completionDefaults, randomSeed: .random(in: 0 ... .max))
        guard request.prompts.count == 1, request.options.choiceCount == 1, let prompt = request.prompts.first else {
            throw APIError(.notSupported, "Several prompts or choices in one request are not supported by this version")
        }
        return (request, prompt)
    }

    /// - Parameter prompt: what a client is told that its prompt was.
    func completion(native json: JSONValue, prompt text: String) throws(APIError) -> Completion<NativeCompletionView> {
        let (request, prompt) = try nativeRequest(json)
        return completion(request, prompt, json, text: text)
    }

    private func completion(
        _ request: NativeCompletionRequest, _ prompt: Prompt, _ json: JSONValue, text: String
    ) -> Completion<NativeCompletionView> {
        Completion(kind: .native, body: json, promptText: text, options: request.options, idPrefix: "") { head in
            NativeCompletionView(head: head, prompts: [text], options: request.options)
        } prepare: { _ throws(APIError) in
            PreparedPrompt(prompt: prompt)
        }
    }

    /// What a client is told that its prompt was. Only tokens need the model, which is waited for.
    private func text(of prompt: Prompt) async throws -> String {
        var bytes: [UInt8] = []
        for piece in prompt.pieces {
            switch piece {
            case .text(let text, _): bytes += text.utf8
            case .tokens(let tokens): bytes += try await service.engine.detokenize(tokens)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
