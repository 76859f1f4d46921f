internal import MartletAPI
internal import MartletChat
internal import MartletGrammar
internal import MartletJSON
internal import MartletJinja
internal import MartletProtocol
internal import MartletSchema
internal import MartletText
internal import OrderedCollections

/// A model that an engine has ready, as requests need it: with its chat template compiled.
struct ServedModel: Sendable {
    let information: ModelInformation
    /// The template that is in force: the configuration's, the model file's, or ChatML if there is neither.
    let templateSource: String
    /// Or why it cannot be used.
    let template: Result<ChatTemplate, TemplateError>
    /// Why a template of the model file is not in force.
    let templateProblem: TemplateError?
    private let names: Set<ExactString>
    private let templateArguments: JSONObject
    private let skipsParsing: Bool

    init(_ information: ModelInformation, configuration: ServerConfiguration) {
        self.information = information
        templateArguments = configuration.templateArguments
        skipsParsing = configuration.skipsChatParsing
        var problem: TemplateError?
        func usable(_ source: String) -> String? {
            do throws(TemplateError) {
                _ = try ChatTemplate.parse(source)
                return source
            } catch {
                problem = error
                return nil
            }
        }
        let own = configuration.chatTemplate == nil ? information.chatTemplate.flatMap(usable) : nil
        let toolUse = configuration.chatTemplate == nil ? information.toolUseChatTemplate.flatMap(usable) : nil
        let source = configuration.chatTemplate ?? own ?? toolUse ?? ChatTemplate.chatML
        templateSource = source
        templateProblem = problem
        template = Result { () throws(TemplateError) in
            try ChatTemplate(
                source: source, toolUseSource: toolUse, beginningToken: information.beginningToken,
                endToken: information.endToken)
        }
        names = Set(
            configuration.modelNames + [information.path, Self.fileName(information.path)]
                + [information.name].compactMap { $0 })
    }

    /// - Throws: `notSupported` with the reason when there is none.
    func usableTemplate() throws(APIError) -> ChatTemplate {
        try template.mapError { APIError(.notSupported, "The chat template cannot be used: \($0)") }.get()
    }

    /// Whether the template takes only short ids of tool calls.
    var demandsShortCallIDs: Bool { (try? template.get())?.capabilities.demandsShortCallIDs ?? false }

    /// Whether a request that names its model so means this one.
    func isNamed(_ name: String) -> Bool {
        name.isEmpty || names.contains(name)
    }

    /// - Throws: `notFound` when a request names another model, where that is refused.
    func check(name: String?, configuration: ServerConfiguration) throws(APIError) {
        guard let name, configuration.refusesOtherModelNames, !isNamed(name) else { return }
        throw .unknownModel(
            "Field 'model': Value must be \"\(configuration.modelName)\", but got \"\(name.prefix(256))\"")
    }

    /// The warning of a response whose request names another model; `nil` where it names this model or none.
    func warning(about name: String?, configuration: ServerConfiguration) -> String? {
        guard let name, !isNamed(name) else { return nil }
        let (requested, served) = (
            JSONValue.string(String(name.prefix(256))), JSONValue.string(configuration.modelName)
        )
        return "model: \(requested.text) is not served here; \(served.text) answers"
    }

    private static func fileName(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.hasSuffix(".gguf") ? name.dropLast(5) : name)
    }

    /// The messages as the model reads them.
    /// - Throws: in the template's own words when it refuses the messages.
    func render(_ request: ChatCompletionRequest) throws(APIError) -> RenderedPrompt {
        let template = try usableTemplate()
        if request.tools.choice == .required, skipsParsing || template.format.format.calls == nil {
            throw APIError(
                .notSupported,
                skipsParsing
                    ? "Field 'tool_choice': this server does not read calls (--skip-chat-parsing)"
                    : "Field 'tool_choice': the model's template has no known form of tool calls",
                parameter: "tool_choice")
        }
        do throws(TemplateError) {
            return try template.render(
                messages: request.messages,
                tools: request.tools.choice == .none ? nil : request.tools.tools.map(\.json),
                addGenerationPrompt: request.addsGenerationPrompt,
                continuing: request.continuation.map(ChatTemplate.Continuation.init),
                arguments: arguments(of: request))
        } catch {
            throw APIError(.invalidRequest, error.description, parameter: "messages")
        }
    }

    /// What the template sees by name.
    func arguments(of request: ChatCompletionRequest) -> JSONObject {
        templateArguments.merging(request.templateArguments) { $1 }
    }

    /// What the engine gets for a chat.
    func prepare(_ request: ChatCompletionRequest) throws(APIError) -> PreparedPrompt {
        let template = try usableTemplate()
        let rendered = try render(request)
        let tools =
            request.tools.isActive && !skipsParsing
            ? OfferedTools(
                request.tools.offered.map {
                    OfferedTools.Tool(name: $0.name, parameters: $0.parameters, isStrict: $0.isStrict)
                })
            : nil
        let (constraint, warnings) = try constraint(of: request, tools, template, rendered)
        var prepared = PreparedPrompt(
            prompt: rendered.prompt,
            visibleDelimiters: template.visibleDelimiters(withToolCalls: request.tools.isActive),
            parser: skipsParsing
                ? nil
                : OutputParser(
                    template.format, tools: tools, after: rendered.opening, continuing: rendered.continuation,
                    showsReasoning: request.includesReasoningInContent, warnings: rendered.warnings + warnings))
        prepared.constraint = constraint
        prepared.reasoning = reasoningRule(for: request, rendered)
        return prepared
    }

    /// Holds the model to the tools that are offered, to calling one where that is asked for, and its text to a schema.
    private func constraint(
        of request: ChatCompletionRequest, _ tools: OfferedTools?, _ template: ChatTemplate, _ rendered: RenderedPrompt
    ) throws(APIError) -> (GenerationConstraint?, warnings: [String]) {
        let maker = OutputGrammar(
            template.format, prompt: rendered, compiler: request.options.schemaCompiler,
            limits: request.options.grammarLimits)
        let schema = request.options.schemaGrammar
        do {
            if let tools {
                let requirement: OutputGrammar.Requirement =
                    request.tools.choice == .required ? .calls : schema.map { .value($0) } ?? .anything
                if let made = try maker.grammar(
                    tools: tools.tools, requirement: requirement, allowsSeveral: request.tools.allowsSeveral)
                {
                    return (GenerationConstraint(made.grammar), made.warnings)
                }
            }
            if let schema { return (GenerationConstraint(try maker.grammar(around: schema)), []) }
        } catch let error as OutputGrammarError {
            throw APIError(error, of: request.tools)
        } catch let error as GrammarError {
            throw APIError(error, field: "response_format")
        } catch {
            throw APIError(.server, "\(error)")
        }
        return (try rendered.constraint(request.options.constraint), [])
    }
}

extension ChatTemplate.Continuation {
    fileprivate init(_ continuation: ChatCompletionRequest.Continuation) {
        self =
            switch continuation {
            case .any: .any
            case .content: .content
            case .reasoning: .reasoning
            }
    }
}

extension APIError {
    /// A model that is not here, in OpenAI's words for programs.
    static func unknownModel(_ message: String) -> APIError {
        var error = APIError(.notFound, message, parameter: "model")
        error.code = "model_not_found"
        return error
    }

    /// Tools that a model cannot be held to.
    fileprivate init(_ error: OutputGrammarError, of fields: ToolFields) {
        switch error {
        case .tool(let name, let error):
            let index = fields.tools.firstIndex { $0.name.hasSameBytes(as: name) } ?? 0
            self.init(error, field: "tools[\(index)].function.parameters", of: "Tool \"\(name)\"")
        case .grammar(let error):
            self = .field("tools", "The tools are together more than a grammar may hold: \(error)")
            code = "invalid_schema"
        }
    }
}
