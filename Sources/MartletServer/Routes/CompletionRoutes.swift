internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGrammar
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams

extension OutputParser: OutputParsing {}

extension RenderedPrompt {
    /// A constraint of the answer with the thinking that may come before it, which it does not hold.
    func constraint(_ contentConstraint: GenerationConstraint?) throws(APIError) -> GenerationConstraint? {
        guard let contentConstraint, let delimiters, reasoning != .closed else { return contentConstraint }
        do throws(GrammarError) {
            return GenerationConstraint(
                try contentConstraint.grammar.afterReasoning(
                    from: reasoningStart, to: delimiters.end, isOpen: reasoning == .open))
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
        table.add(.post, "/v1/chat/completions/input_tokens", "/chat/completions/input_tokens") { request, context in
            let chat = try chatRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            let model = try service.modelReadiness.readyModel()
            try model.check(name: chat.options.model, configuration: configuration)
            let tokens = try await context.untilDisconnect {
                let prompt = try model.render(chat).prompt
                try configuration.limits.text.check([prompt], field: "messages")
                return try await service.engine.tokenize(prompt)
            }
            return .json(["object": "response.input_tokens", "input_tokens": .integer(Int64(tokens.count))])
        }
        table.add(.post, "/apply-template") { request, _ in
            let chat = try chatRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            let rendered = try service.modelReadiness.readyModel().render(chat)
            try configuration.limits.text.check([rendered.prompt], field: "messages")
            return .json(["prompt": .string(rendered.text)])
        }
    }

    private func json(_ request: Request) async throws -> JSONValue {
        try await request.json(upTo: configuration.limits.bodyBytes)
    }

    private func chatRequest(
        _ json: JSONValue, seed: UInt64 = .randomSeed()
    ) throws(APIError) -> ChatCompletionRequest {
        try ChatCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: seed)
    }

    private func respond(
        toChat json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let seed = UInt64.randomSeed()
        let request = try chatRequest(json, seed: seed)
        let prompts = request.options.responseFields.isVerbose ? [try await text(of: request)] : []
        return try await service.respond(to: completion(request, json, prompts: prompts), headers, on: context)
    }

    /// - Parameters:
    ///   - prompts: the prompt that `__verbose` shows; none where the request does not ask for it.
    ///   - seed: in case that the body names none.
    func completion(
        chat json: JSONValue, prompts: [String] = [], seed: UInt64 = .randomSeed()
    ) throws(APIError) -> CompletionPlan<ChatCompletionView> {
        completion(try chatRequest(json, seed: seed), json, prompts: prompts)
    }

    private func completion(
        _ request: ChatCompletionRequest, _ json: JSONValue, prompts: [String]
    ) -> CompletionPlan<ChatCompletionView> {
        let makeView = { @Sendable (head: ResponseHead) in
            ChatCompletionView(head: head, options: request.options, prompt: prompts.first ?? "")
        }
        return CompletionPlan(
            kind: .chat, body: json, promptTexts: prompts, options: request.options, promptCount: 1,
            idPrefix: "chatcmpl-", makeView: makeView, chat: request
        ) { model throws(APIError) in
            [try model.prepare(request)]
        }
    }

    /// The text of a chat's prompt tokens. Waits for the model.
    private func text(of request: ChatCompletionRequest) async throws -> String {
        let prompt = try await service.modelReadiness.loadedModel().render(request).prompt
        return String(decoding: try await service.engine.tokenize(prompt).flatMap(\.bytes), as: UTF8.self)
    }

    private func respond(
        toText json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let request = try textRequest(json)
        let needsText = request.echoes || request.options.responseFields.isVerbose
        let prompts = needsText ? try await texts(of: request.prompts) : request.prompts.map { _ in "" }
        return try await service.respond(to: completion(request, json, prompts: prompts), headers, on: context)
    }

    private func textRequest(
        _ json: JSONValue, seed: UInt64 = .randomSeed()
    ) throws(APIError) -> TextCompletionRequest {
        try TextCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: seed)
    }

    /// - Parameter prompts: what a client is told that its prompts were.
    func completion(
        text json: JSONValue, prompts: [String], seed: UInt64
    ) throws(APIError) -> CompletionPlan<TextCompletionView> {
        let request = try textRequest(json, seed: seed)
        return completion(request, json, prompts: try Self.checked(prompts, count: request.prompts.count))
    }

    private func completion(
        _ request: TextCompletionRequest, _ json: JSONValue, prompts: [String]
    ) -> CompletionPlan<TextCompletionView> {
        completion(.text, json, request.options, request.prompts, promptTexts: prompts, idPrefix: "cmpl-") { head in
            TextCompletionView(head: head, options: request.options, prompts: prompts, echoes: request.echoes)
        }
    }

    private func respond(
        toNative json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let request = try nativeRequest(json)
        let prompts = try await texts(of: request.prompts)
        return try await service.respond(to: completion(request, json, prompts: prompts), headers, on: context)
    }

    private func nativeRequest(
        _ json: JSONValue, seed: UInt64 = .randomSeed()
    ) throws(APIError) -> LlamaServerCompletionRequest {
        try LlamaServerCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: seed)
    }

    /// - Parameter prompts: what a client is told that its prompts were.
    func completion(
        native json: JSONValue, prompts: [String], seed: UInt64
    ) throws(APIError) -> CompletionPlan<LlamaServerCompletionView> {
        let request = try nativeRequest(json, seed: seed)
        return completion(request, json, prompts: try Self.checked(prompts, count: request.prompts.count))
    }

    private func completion(
        _ request: LlamaServerCompletionRequest, _ json: JSONValue, prompts: [String]
    ) -> CompletionPlan<LlamaServerCompletionView> {
        completion(.native, json, request.options, request.prompts, promptTexts: prompts, idPrefix: "") { head in
            LlamaServerCompletionView(head: head, prompts: prompts, options: request.options)
        }
    }

    /// One that continues prompts as they are.
    /// - Parameter texts: what its client is told that they were.
    private func completion<View>(
        _ kind: CompletionKind, _ json: JSONValue, _ options: CompletionOptions, _ prompts: [Prompt],
        promptTexts texts: [String], idPrefix: String, makeView: @escaping @Sendable (ResponseHead) -> View
    ) -> CompletionPlan<View> {
        CompletionPlan(
            kind: kind, body: json, promptTexts: texts, options: options, promptCount: prompts.count,
            idPrefix: idPrefix, makeView: makeView
        ) { _ throws(APIError) in prompts.map { PreparedPrompt(prompt: $0) } }
    }

    private static func checked(_ prompts: [String], count: Int) throws(APIError) -> [String] {
        guard prompts.count == count else {
            throw APIError(.invalidRequest, "\(count) prompts are asked for, but \(prompts.count) are told")
        }
        return prompts
    }

    /// What a client is told that its prompts were. Only tokens need the model, which is waited for.
    private func texts(of prompts: [Prompt]) async throws -> [String] {
        var texts: [String] = []
        for prompt in prompts {
            var bytes: [UInt8] = []
            for piece in prompt.pieces {
                switch piece {
                case .text(let text, _): bytes += text.utf8
                case .tokens(let tokens): bytes += try await service.engine.detokenize(tokens)
                }
            }
            texts.append(String(decoding: bytes, as: UTF8.self))
        }
        return texts
    }
}
