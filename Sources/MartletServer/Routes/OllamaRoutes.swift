internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGenerations
internal import MartletJSON
internal import MartletModels
internal import MartletPool
internal import MartletProtocol
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// Ollama's routes. Completions are generations like all others; these routes only translate.
///
/// Names of models may have the tag `:latest`, which Ollama's clients add.
struct OllamaRoutes: Sendable {
    let configuration: ServerConfiguration
    /// Begins the completions, so that they have lifetimes, journals and control commands like those of other dialects.
    let completions: CompletionRoutes
    let models: any ModelDirectory
    /// The pool of a server that loads and unloads models; nil for a server of one model.
    let pool: ModelPool?
    /// Admits embeddings within the quota, and has the time of responses.
    let registry: GenerationRegistry
    /// The time at which the server started, in seconds since 1970.
    let startTime: Int

    /// Adds the routes that clients of Ollama use.
    func add(to table: inout RouteTable) {
        // Clients compare the version with the one that they need, and show it.
        table.add(.get, "/api/version") { _, _ in
            .json(["version": .string(OllamaBodies.version), "server": .string(configuration.build)])
        }
        table.add(.get, "/api/tags") { _, _ in .json(OllamaBodies.tags(entries(of: try known()))) }
        table.add(.get, "/api/ps") { _, _ in
            .json(OllamaBodies.running(entries(of: models.all.filter { $0.readiness.model != nil })))
        }
        table.add(.post, "/api/show") { request, _ in
            let handle = try model(named: try await name(in: request))
            return .json(OllamaBodies.show(entry(of: handle, in: try? pool?.status(named: handle.name).definition)))
        }
        table.add(.post, "/api/chat") { request, context in
            let json = try await request.json(upTo: configuration.limits.bodyBytes)
            // A chat without messages loads the model, and is no completion.
            guard json["messages"]?.arrayValue?.isEmpty ?? true else {
                return try await completions.respond(to: json, in: .named(.ollamaChat), request.headers, on: context)
            }
            let chat = try OllamaChatRequest(json, defaults: configuration.completionDefaults, randomSeed: 0)
            return try await load(json, keepAlive: chat.keepAlive, form: .chat, on: context)
        }
        table.add(.post, "/api/generate") { request, context in
            let json = try await request.json(upTo: configuration.limits.bodyBytes)
            return try await generate(json, request.headers, on: context)
        }
        table.add(.post, "/api/embed") { request, context in try await embed(request, isOlder: false, on: context) }
        // The older route has one prompt, and its vector is not normalized.
        table.add(.post, "/api/embeddings") { request, context in
            try await embed(request, isOlder: true, on: context)
        }
        table.add(.post, "/api/pull") { request, context in try await pull(request, on: context) }
        for (method, path, problem) in Self.refusals {
            table.add(method, path) { _, _ in throw APIError(.notSupported, problem) }
        }
    }

    /// Ollama's routes that this server does not have, with the way that exists instead.
    private static let refusals: [(HTTPRequest.Method, String, String)] = [
        (
            .post, "/api/create",
            "create: this server makes no models; a preset file (--models-preset) gives a model other settings"
        ),
        (.post, "/api/copy", "copy: this server copies no models; --model-map 'NEW=OLD' gives a model another name"),
        (.post, "/api/push", "push: this server uploads no models"),
        (
            .delete, "/api/delete",
            "delete: not in this API; DELETE /models?model=NAME or 'martlet rm NAME' deletes the files of a model"
        ),
        (.post, "/api/blobs/{digest}", "blobs: this server accepts no uploads; 'martlet pull' downloads a model"),
    ]

    // MARK: Models

    /// All models that requests can name, loaded or not. A server of one model reports that it loads.
    private func known() throws(GenerationError) -> [ModelHandle] {
        if let only = models.only, !only.loadsOnDemand { _ = try only.readyModel() }
        return models.all
    }

    /// The name in the body's `model`, or in its older member `name`.
    /// - Throws: `invalidRequest` if both are missing.
    func name(in request: Request) async throws -> String {
        let fields = try FieldReader(try await request.json(upTo: configuration.limits.textBodyBytes))
        let name = try fields.string("model") ?? fields.string("name")
        guard let name, !name.isEmpty else {
            throw APIError.field("model", "The name of a model is required, but the field is missing")
        }
        return OllamaBodies.modelName(name)
    }

    /// The model with a name. A server of one model answers under every name elsewhere, but describes only its own.
    /// - Throws: `notFound` with Ollama's words; `unavailable` while the only model loads.
    func model(named name: String) throws -> ModelHandle {
        let handle = try models.model(named: name)
        // A directory of several models has found this one by its name.
        guard !handle.loadsOnDemand else { return handle }
        guard let model = handle.readiness.lastModel else { throw handle.readiness.unavailability }
        guard model.isNamed(name, configuration: handle.configuration) else {
            throw GenerationError.unknownModel("model '\(name.excerpt(bytes: 256))' not found")
        }
        return handle
    }

    /// Models with everything that the lists show. The pool is asked once for all of them.
    private func entries(of handles: [ModelHandle]) -> [OllamaBodies.Model] {
        let definitions = (pool?.statuses ?? []).map { (ExactString($0.name), $0.definition) }
        let byName = Dictionary(definitions, uniquingKeysWith: { $1 })
        return handles.compactMap { handle in
            let definition = byName[ExactString(handle.name)]
            // A projector or an adapter in the folder is no model that a client could choose.
            guard definition?.kind ?? .model == .model else { return nil }
            return entry(of: handle, in: definition)
        }
    }

    /// A model with everything that the lists show.
    ///
    /// The facts of a model that was never loaded are those of its head. Asks the file system for the size of the files.
    /// - Parameter definition: the model in the pool; nil for the model of a server of one model.
    private func entry(of handle: ModelHandle, in definition: ModelDefinition?) -> OllamaBodies.Model {
        let summary = definition?.summary
        guard let model = handle.readiness.lastModel else {
            return OllamaBodies.Model(
                name: handle.name, information: nil, summary: summary,
                files: ModelFileFacts(paths: definition?.model.paths ?? []), modified: startTime, template: "",
                capabilities: OllamaBodies.Model.capabilities(of: summary))
        }
        var capabilities = ["completion"]
        if let template = try? model.template.get() {
            if template.capabilities.supportsTools { capabilities.append("tools") }
            if template.capabilities.reasoningField != nil || template.capabilities.reasoningSwitch != nil {
                capabilities.append("thinking")
            }
        }
        if model.information.infillTokens.missing.isEmpty { capabilities.append("insert") }
        if model.information.embeddingPooling != nil { capabilities.append("embedding") }
        return OllamaBodies.Model(
            name: handle.name, information: model.information, summary: summary,
            files: ModelFileFacts(paths: definition?.model.paths ?? [model.information.path]), modified: startTime,
            template: model.templateSource, capabilities: capabilities)
    }

    // MARK: Completions

    /// The response to a request without a prompt: clients load a model with it. The response waits for the model.
    ///
    /// A server of one model has loaded it at its start, so the response is immediate then. `keep_alive: 0` unloads the
    /// model instead.
    private func load(
        _ json: JSONValue, keepAlive: Duration?, form: OllamaView.Form, on context: EdgeContext
    ) async throws -> Response {
        let name = try FieldReader(json).string("model").map(OllamaBodies.modelName)
        let handle = try models.model(named: name)
        var terms = LeaseTerms()
        terms.keepAlive = keepAlive
        let isUnload = handle.loadsOnDemand && terms.keepAlive == .zero
        // A model is not loaded in order to unload it.
        if isUnload { terms.loadsModel = false }
        do {
            try await context.untilDisconnect { [terms] in
                try await handle.withModel(terms, waits: true) {
                    try $0.check(name: name, configuration: handle.configuration)
                }
            }
        } catch {
            guard isUnload else { throw error }
        }
        var headers = HTTPFields()
        headers.setWarnings(models.warning(about: name), [])
        let body = OllamaBodies.loaded(
            model: handle.name, created: Int(registry.calendar()), form: form, isUnload: isUnload)
        return .json(body.bytes, headers: headers)
    }

    /// Responds to `/api/generate`. A prompt with a suffix becomes token ids first.
    ///
    /// The body is read twice: here for its kind, and by the dialect, which also reads stored bodies at recovery.
    private func generate(
        _ json: JSONValue, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let request = try OllamaGenerateRequest(json, defaults: configuration.completionDefaults, randomSeed: 0)
        var json = json
        switch request.input {
        case .nothing: return try await load(json, keepAlive: request.options.keepAlive, form: .generate, on: context)
        case .chat, .text: break
        case .gap(let prefix, let suffix):
            let tokens = try await completions.tokens(
                before: [.text(prefix, isTrusted: false)], behind: suffix, model: request.options.model)
            json = OllamaGenerateRequest.filled(json, tokens: tokens)
        }
        return try await completions.respond(to: json, in: .named(.ollamaGenerate), headers, on: context)
    }

    // MARK: Embeddings

    /// Responds to `/api/embed` and `/api/embeddings`.
    ///
    /// The duration in the response includes the time in the queue. Nothing is computed for a client that disconnects.
    private func embed(_ request: Request, isOlder: Bool, on context: EdgeContext) async throws -> Response {
        let body = try OllamaEmbedRequest(
            try await request.json(upTo: configuration.limits.textBodyBytes), isOlder: isOlder,
            isStrict: configuration.completionDefaults.refusesUnknownFields)
        let handle = try models.model(named: body.model)
        var terms = try LeaseTerms(request)
        terms.keepAlive = body.keepAlive
        return try await context.untilDisconnect { [terms] in
            try await handle.withModel(terms) { model in
                try model.check(name: body.model, configuration: handle.configuration)
                guard let pooling = model.information.embeddingPooling, pooling != .none else {
                    throw APIError(
                        .notSupported,
                        "This server makes no embeddings of whole texts. Start it with `--embeddings` and a pooling")
                }
                try configuration.limits.text.check(body.inputs, field: isOlder ? "prompt" : "input")
                let begin = ContinuousClock.now
                let embeddings = try await registry.withAdmission(of: context.requestInfo.owner) {
                    try await handle.engine.embed(body.inputs)
                }
                var headers = HTTPFields()
                headers.setWarnings(
                    models.warning(about: body.model), body.warnings(unloadsModels: handle.loadsOnDemand))
                return .json(
                    try body.response(embeddings, model: handle.name, duration: .now - begin), headers: headers)
            }
        }
    }
}
