internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams

/// The routes that generate, and the routes that show a rendered prompt.
struct CompletionRoutes: Sendable {
    let service: CompletionService
    var configuration: ServerConfiguration
    let tracing: RequestTracing

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
        addInfill(to: &table)
        table.add(.post, "/v1/chat/completions/input_tokens", "/chat/completions/input_tokens") { request, context in
            let chat = try chatRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            let handle = try service.models.model(named: chat.options.model)
            let terms = try LeaseTerms(request)
            let tokens = try await context.untilDisconnect {
                try await handle.withModel(terms) { model in
                    try model.check(name: chat.options.model, configuration: handle.configuration)
                    let prompt = try model.render(chat).prompt
                    try configuration.limits.text.check([prompt], field: "messages")
                    return try await handle.engine.tokenize(prompt)
                }
            }
            return .json(["object": "response.input_tokens", "input_tokens": .integer(Int64(tokens.count))])
        }
        table.add(.post, "/apply-template") { request, context in
            let chat = try chatRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            let handle = try service.models.model(named: chat.options.model)
            let terms = try LeaseTerms(request)
            let rendered = try await context.untilDisconnect {
                try await handle.withModel(terms) { try $0.render(chat) }
            }
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
        return try await self.respond(to: completion(request, json, prompts: prompts), headers, on: context)
    }

    /// - Parameters:
    ///   - prompts: the prompt that `__verbose` shows; empty if the request does not ask for it.
    ///   - seed: the seed if the body names none.
    func completion(
        chat json: JSONValue, prompts: [String] = [], seed: UInt64 = .randomSeed()
    ) throws(APIError) -> CompletionPlan {
        completion(try chatRequest(json, seed: seed), json, prompts: prompts)
    }

    private func completion(
        _ request: ChatCompletionRequest, _ json: JSONValue, prompts: [String]
    ) -> CompletionPlan {
        let options = ResolvedOptions(request.options, echoes: false)
        return CompletionPlan(chat: request, body: json, promptTexts: prompts, idPrefix: "chatcmpl-") { head in
            options.view(of: .chat, head: head, prompts: prompts)
        }
    }

    /// The text of a chat's prompt tokens. Waits for the model.
    private func text(of request: ChatCompletionRequest) async throws -> String {
        let handle = try service.models.model(named: request.options.model)
        return try await handle.withModel(waits: true) { model in
            let tokens = try await handle.engine.tokenize(try model.render(request).prompt)
            return String(decoding: tokens.flatMap(\.bytes), as: UTF8.self)
        }
    }

    private func respond(
        toText json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        var json = json
        let suffix = try TextCompletionRequest.removeSuffix(&json)
        var request = try textRequest(json)
        let needsText = request.echoes || request.options.responseFields.isVerbose
        let prompts =
            needsText ? try await texts(of: request.prompts, request.options) : request.prompts.map { _ in "" }
        if let suffix {
            json = try await filled(json, suffix: suffix, request)
            request = try textRequest(json, seed: request.options.sampling.seed)
        }
        return try await self.respond(to: completion(request, json, prompts: prompts), headers, on: context)
    }

    private func textRequest(
        _ json: JSONValue, seed: UInt64 = .randomSeed()
    ) throws(APIError) -> TextCompletionRequest {
        try TextCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: seed)
    }

    /// - Parameter prompts: the texts of the prompts that the response contains.
    func completion(
        text json: JSONValue, prompts: [String], seed: UInt64
    ) throws(APIError) -> CompletionPlan {
        let request = try textRequest(json, seed: seed)
        return completion(request, json, prompts: try Self.checked(prompts, count: request.prompts.count))
    }

    private func completion(
        _ request: TextCompletionRequest, _ json: JSONValue, prompts: [String]
    ) -> CompletionPlan {
        let options = ResolvedOptions(request.options, echoes: request.echoes)
        return CompletionPlan(
            kind: .text, prompts: request.prompts, options: request.options, body: json, promptTexts: prompts,
            idPrefix: "cmpl-", echoes: request.echoes
        ) { head in
            options.view(of: .text, head: head, prompts: prompts)
        }
    }

    /// - Parameter warnings: sentences that the response has beside those about its fields.
    func respond(
        toNative json: JSONValue, _ headers: HTTPFields, on context: EdgeContext, warnings: [String] = []
    ) async throws -> Response {
        var request = try nativeRequest(json)
        request.options.warnings += warnings
        let prompts = try await texts(of: request.prompts, request.options)
        return try await self.respond(to: completion(request, json, prompts: prompts), headers, on: context)
    }

    func nativeRequest(
        _ json: JSONValue, seed: UInt64 = .randomSeed()
    ) throws(APIError) -> LlamaServerCompletionRequest {
        try LlamaServerCompletionRequest(json, defaults: configuration.completionDefaults, randomSeed: seed)
    }

    /// - Parameter prompts: the texts of the prompts that the response contains.
    func completion(
        native json: JSONValue, prompts: [String], seed: UInt64
    ) throws(APIError) -> CompletionPlan {
        let request = try nativeRequest(json, seed: seed)
        return completion(request, json, prompts: try Self.checked(prompts, count: request.prompts.count))
    }

    private func completion(
        _ request: LlamaServerCompletionRequest, _ json: JSONValue, prompts: [String]
    ) -> CompletionPlan {
        let options = ResolvedOptions(request.options, echoes: false)
        return CompletionPlan(
            kind: .native, prompts: request.prompts, options: request.options, body: json, promptTexts: prompts,
            idPrefix: ""
        ) { head in
            options.view(of: .native, head: head, prompts: prompts)
        }
    }

    private static func checked(_ prompts: [String], count: Int) throws(APIError) -> [String] {
        guard prompts.count == count else {
            throw APIError(.invalidRequest, "The request has \(count) prompts, but \(prompts.count) texts are stored")
        }
        return prompts
    }

    /// The texts of the prompts that the response contains. Prompts with token ids wait for the model.
    private func texts(of prompts: [Prompt], _ options: CompletionOptions) async throws -> [String] {
        var texts: [String] = []
        for prompt in prompts {
            var bytes: [UInt8] = []
            for piece in prompt.pieces {
                switch piece {
                case .text(let text, _): bytes += text.utf8
                case .tokens(let tokens):
                    let handle = try service.models.model(named: options.model)
                    bytes += try await handle.withModel(waits: true) { _ in
                        try await handle.engine.detokenize(tokens)
                    }
                }
            }
            texts.append(String(decoding: bytes, as: UTF8.self))
        }
        return texts
    }

    /// The plan of a completion that a journal has stored.
    func plan(for stored: StoredRequest) throws(StoredRequestError) -> CompletionPlan {
        var routes = self
        // An earlier server accepted the request.
        routes.configuration.completionDefaults.refusesUnknownFields = false
        do throws(APIError) {
            return switch stored.kind {
            case .chat: try routes.completion(chat: stored.body, prompts: stored.promptTexts, seed: stored.seed)
            case .text: try routes.completion(text: stored.body, prompts: stored.promptTexts, seed: stored.seed)
            case .native: try routes.completion(native: stored.body, prompts: stored.promptTexts, seed: stored.seed)
            }
        } catch {
            throw StoredRequestError(reason: error.message)
        }
    }
}
