internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

/// The routes that generate, and the routes that show a rendered prompt.
struct CompletionRoutes: Sendable {
    let service: CompletionService
    var configuration: ServerConfiguration
    let tracing: RequestTracing
    let history: ResponseHistory

    func add(to table: inout RouteTable) {
        for dialect in Dialect.all {
            for path in dialect.paths {
                table.add(.post, path) { request, context in
                    let json = try await request.json(upTo: configuration.limits.bodyBytes)
                    return try await respond(to: json, in: dialect, request.headers, on: context)
                }
            }
            guard let counting = dialect.counting else { continue }
            for path in counting.paths {
                table.add(.post, path) { request, context in
                    let json = try await request.json(upTo: configuration.limits.textBodyBytes)
                    let count = try await countTokens(of: json, in: dialect, LeaseTerms(request), on: context)
                    return .json(counting.body(count))
                }
            }
        }
        addInfill(to: &table)
        addCompaction(to: &table)
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

    /// The defaults of the model that a request names, or those of the server.
    /// - Parameter dialect: the dialect of the request; nil = names have no form of their own.
    private func defaults(for json: JSONValue, in dialect: Dialect? = nil) -> CompletionDefaults {
        let name = json["model"]?.stringValue.map { dialect?.modelName($0) ?? $0 }
        let handle = try? service.models.model(named: name)
        var defaults = handle?.defaults as? CompletionDefaults ?? configuration.completionDefaults
        defaults.refusesUnknownFields = configuration.completionDefaults.refusesUnknownFields
        defaults.unloadsModels = handle?.loadsOnDemand ?? false
        return defaults
    }

    /// Reads a request in its dialect.
    func read(
        _ json: JSONValue, in dialect: Dialect, after items: [JSONValue], seed: UInt64 = .randomSeed(),
        isForCount: Bool = false
    ) throws(APIError) -> Dialect.Reading {
        var input = Dialect.Input(defaults: defaults(for: json, in: dialect), randomSeed: seed)
        input.isForCount = isForCount
        input.history = items
        return try dialect.read(json, input)
    }

    private func chatRequest(_ json: JSONValue) throws(APIError) -> ChatCompletionRequest {
        try ChatCompletionRequest(json, defaults: defaults(for: json), randomSeed: 0)
    }

    /// Reads a request and begins its completion.
    func respond(
        to json: JSONValue, in dialect: Dialect, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        switch dialect.kind {
        case .text: return try await respond(toText: json, dialect, headers, on: context)
        case .native: return try await respond(toNative: json, headers, on: context)
        default: break
        }
        let plan = try await plan(
            of: json, in: dialect, for: context.requestInfo.owner, on: context.channel.eventLoop)
        return try await respond(to: plan, headers, on: context)
    }

    /// Reads a request of a client, with the stored items that it continues or names.
    /// - Parameter local: returns responses that only the client's connection knows.
    func plan(
        of json: JSONValue, in dialect: Dialect, for owner: Owner, on eventLoop: any EventLoop,
        local: (String) -> ResponseStore.Found? = { _ in nil }
    ) async throws -> CompletionPlan {
        let (json, items) = try await history.context(of: json, in: dialect, of: owner, on: eventLoop, local: local)
        let reading = try read(json, in: dialect, after: items)
        return plan(of: dialect, reading, json, prompts: PromptTexts(try await promptTexts(of: reading)))
    }

    /// Begins a text completion. A suffix becomes a part of the prompts.
    private func respond(
        toText json: JSONValue, _ dialect: Dialect, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        var json = json
        let suffix = try TextCompletionRequest.removeSuffix(&json)
        let seed = UInt64.randomSeed()
        var reading = try read(json, in: dialect, after: [], seed: seed)
        let prompts = try await promptTexts(of: reading)
        if let suffix {
            let request = try TextCompletionRequest(
                json, defaults: defaults(for: json), randomSeed: seed)
            json = try await filled(json, suffix: suffix, request)
            reading = try read(json, in: dialect, after: [], seed: request.options.sampling.seed)
        }
        let plan = plan(of: dialect, reading, json, prompts: PromptTexts(prompts))
        return try await respond(to: plan, headers, on: context)
    }

    /// Begins a completion of llama-server's dialect.
    ///
    /// The engine finds the texts of the prompts while it computes them, if only the end of a stream needs them.
    ///
    /// - Parameter warnings: sentences that the response has beside those about its fields.
    func respond(
        toNative json: JSONValue, _ headers: HTTPFields, on context: EdgeContext, warnings: [String] = []
    ) async throws -> Response {
        let dialect = Dialect.named(.native)
        guard case .prompts(let own, var options, let echoes, let needsTexts) = try read(json, in: dialect, after: [])
        else { throw APIError(.failed, "A native completion has prompts") }
        options.warnings += warnings
        let reading = Dialect.Reading.prompts(own, options, echoes: echoes, needsTexts: needsTexts)
        let texts = PromptTexts(count: own.count)
        let plan = plan(of: dialect, reading, json, prompts: texts)
        let fields = try ResumeFields(headers, options, resumesAlways: configuration.resumesAlways)
        guard options.streams, fields.lifetime == .plain, own.contains(where: Self.hasTokens) else {
            // Texts need no engine. A journal stores them, and a second reader may come at any time.
            texts.set(try await promptTexts(of: reading))
            return try await respond(to: plan, headers, on: context)
        }
        async let found = promptTexts(of: reading)
        let response = try await respond(to: plan, headers, on: context)
        do {
            texts.set(try await found)
        } catch {
            if let generation = context.requestInfo.generation { service.registry.cancel(generation.handle) }
            throw error
        }
        return response
    }

    /// Whether a part of a prompt is a list of token ids, so that only the model knows its text.
    private static func hasTokens(_ prompt: Prompt) -> Bool {
        prompt.pieces.contains { if case .tokens = $0 { true } else { false } }
    }

    /// Reads the body of a completion of llama-server's dialect.
    func nativeRequest(_ json: JSONValue) throws(APIError) -> LlamaServerCompletionRequest {
        try LlamaServerCompletionRequest(
            json, defaults: defaults(for: json), randomSeed: .randomSeed())
    }

    /// The number of tokens of a chat's prompt.
    private func countTokens(
        of json: JSONValue, in dialect: Dialect, _ terms: LeaseTerms, on context: EdgeContext
    ) async throws -> Int {
        let (json, items) = try await history.context(
            of: json, in: dialect, of: context.requestInfo.owner, on: context.channel.eventLoop)
        guard case .chat(let chat) = try read(json, in: dialect, after: items, isForCount: true) else {
            throw APIError(.notFound, "Only the tokens of chats are counted")
        }
        let handle = try service.models.model(named: chat.options.model)
        return try await context.untilDisconnect {
            try await handle.withModel(terms) { model in
                try model.check(name: chat.options.model, configuration: handle.configuration)
                let prompt = try model.render(chat).prompt
                try configuration.limits.text.check([prompt], field: "messages")
                return try await handle.engine.tokenize(prompt).count
            }
        }
    }

    /// The texts of the prompts that the response contains.
    private func promptTexts(of reading: Dialect.Reading) async throws -> [String] {
        switch reading {
        case .chat(let request): request.options.responseFields.isVerbose ? [try await text(of: request)] : []
        case .prompts(let prompts, let options, _, let needsTexts):
            needsTexts ? try await texts(of: prompts, options) : prompts.map { _ in "" }
        }
    }

    /// The plan of a completion.
    ///
    /// - Parameters:
    ///   - prompts: the texts of the prompts that the response contains.
    ///   - seed: the seed if the body names none.
    /// - Throws: if the body is not valid, or has another number of prompts.
    func plan(
        of kind: CompletionKind, _ json: JSONValue, prompts: [String] = [], seed: UInt64 = .randomSeed()
    ) throws(APIError) -> CompletionPlan {
        let dialect = Dialect.named(kind)
        let items = try history.storedItems(before: json, in: dialect)
        let reading = try read(json, in: dialect, after: items, seed: seed)
        if case .prompts(let own, _, _, _) = reading, own.count != prompts.count {
            throw APIError(
                .invalidRequest, "The request has \(own.count) prompts, but \(prompts.count) texts are stored")
        }
        return plan(of: dialect, reading, json, prompts: PromptTexts(prompts))
    }

    /// The plan of a request that was read.
    func plan(
        of dialect: Dialect, _ reading: Dialect.Reading, _ json: JSONValue, prompts: PromptTexts
    ) -> CompletionPlan {
        switch reading {
        case .chat(let request):
            let options = ResolvedOptions(request.options, echoes: false)
            return CompletionPlan(
                kind: dialect.kind, chat: request, body: json, promptTexts: prompts, idPrefix: dialect.idPrefix
            ) { head in
                dialect.makeView(Dialect.Response(head: head, options: options, prompts: prompts, body: json))
            }
        case .prompts(let own, let given, let echoes, _):
            let options = ResolvedOptions(given, echoes: echoes)
            return CompletionPlan(
                kind: dialect.kind, prompts: own, options: given, body: json, promptTexts: prompts,
                idPrefix: dialect.idPrefix, echoes: echoes
            ) { head in
                dialect.makeView(Dialect.Response(head: head, options: options, prompts: prompts, body: json))
            }
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
            return try routes.plan(of: stored.kind, stored.body, prompts: stored.promptTexts, seed: stored.seed)
        } catch {
            throw StoredRequestError(reason: error.message)
        }
    }
}
