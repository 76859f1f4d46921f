internal import MartletAPI
internal import MartletChat
internal import MartletGrammar
internal import MartletJSON
internal import MartletProtocol
internal import OrderedCollections

/// A model that an engine has ready, as requests need it: with its chat template compiled.
struct LoadedModel: Sendable {
    let information: ModelInformation
    /// The template that is in force: the configuration's, the model file's, or the usual one if there is neither.
    let templateSource: String
    /// Or why it cannot be used.
    let template: Result<ChatTemplate, TemplateError>
    private let names: [String]
    private let templateArguments: JSONObject

    init(_ information: ModelInformation, configuration: ServerConfiguration) {
        self.information = information
        let source = configuration.chatTemplate ?? information.chatTemplate ?? ChatTemplate.chatML
        templateSource = source
        templateArguments = configuration.templateArguments
        template = Result { () throws(TemplateError) in
            try ChatTemplate(
                source: source,
                toolUseSource: configuration.chatTemplate == nil ? information.toolUseChatTemplate : nil,
                beginningToken: information.beginningToken, endToken: information.endToken)
        }
        names =
            configuration.modelNames + [information.path, Self.fileName(information.path)]
            + [information.name].compactMap { $0 }
    }

    /// Whether a request that names its model so means this one.
    func isNamed(_ name: String) -> Bool {
        name.isEmpty || names.contains(name)
    }

    /// - Throws: `notFound` when a request names another model.
    func check(name: String?, configuration: ServerConfiguration) throws(APIError) {
        guard let name, !configuration.acceptsAnyModelName, !isNamed(name) else { return }
        throw APIError(
            .notFound, "Field 'model': Value must be \"\(configuration.modelName)\", but got \"\(name.prefix(256))\"",
            parameter: "model")
    }

    private static func fileName(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.hasSuffix(".gguf") ? name.dropLast(5) : name)
    }

    /// The messages as the model reads them.
    /// - Throws: in the template's own words when it refuses the messages.
    func render(_ request: ChatCompletionRequest) throws(APIError) -> RenderedPrompt {
        let template = try template.mapError { error in
            APIError(.server, "The model's chat template cannot be used: \(error)")
        }.get()
        if request.tools.choice == .required, template.syntax.syntax.calls == nil {
            throw APIError(
                .notSupported, "Field 'tool_choice': the model's template has no known form of tool calls",
                parameter: "tool_choice")
        }
        do throws(TemplateError) {
            return try template.render(
                messages: request.messages,
                tools: request.tools.choice == .none ? nil : request.tools.tools.map(\.json),
                addGenerationPrompt: request.addsGenerationPrompt,
                continuesLastMessage: request.continuesLastMessage,
                arguments: templateArguments.merging(request.templateArguments) { $1 })
        } catch {
            throw APIError(.invalidRequest, error.description, parameter: "messages")
        }
    }

    /// What the engine gets for a chat.
    func prepare(_ request: ChatCompletionRequest) throws(APIError) -> PreparedPrompt {
        let template = try template.mapError { error in
            APIError(.server, "The model's chat template cannot be used: \(error)")
        }.get()
        let rendered = try render(request)
        let tools =
            request.tools.isActive
            ? OfferedTools(request.tools.offered.map { OfferedTools.Tool(name: $0.name, parameters: $0.parameters) })
            : nil
        var prepared = PreparedPrompt(
            prompt: rendered.prompt, visibleMarkers: template.visibleMarkers(withCalls: tools != nil),
            splitter: OutputParser(
                template.syntax, tools: tools, after: rendered.opening, continuing: rendered.continuation,
                showsReasoning: request.reasoningFormat == .none))
        prepared.constraint =
            if let tools { try constraint(of: request.tools, tools, template, rendered) } else {
                try rendered.constraint(request.options.constraint)
            }
        prepared.reasoning = reasoningRule(for: request, rendered)
        return prepared
    }

    /// Holds the model to tools that are offered, and to calling one where that is asked for.
    private func constraint(
        of fields: ToolFields, _ tools: OfferedTools, _ template: ChatTemplate, _ rendered: RenderedPrompt
    ) throws(APIError) -> GenerationConstraint? {
        let maker = AnswerGrammar(template.syntax, prompt: rendered, schemaNode: JSONTexts.node)
        do {
            return try maker.grammar(
                tools: tools.tools, demand: fields.choice == .required ? .calls : .anything,
                allowsSeveral: fields.allowsSeveral
            ).map { GenerationConstraint($0) }
        } catch {
            throw APIError(
                .invalidRequest, "Field 'tools': the tools are more than a grammar may hold: \(error)",
                parameter: "tools")
        }
    }
}
