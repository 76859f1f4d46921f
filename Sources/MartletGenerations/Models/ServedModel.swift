package import MartletChat
internal import MartletConversation
internal import MartletGrammar
internal import MartletJSON
package import MartletJinja
package import MartletProtocol
internal import MartletSchema
package import MartletStreams
internal import MartletText
internal import OrderedCollections

/// A model that the engine has loaded, together with its compiled chat template.
///
/// The value is made once per load. It prepares requests without the engine.
package struct ServedModel: Sendable {
    package let information: ModelInformation
    /// The source of the template in force: the configuration's, the model file's, or ChatML.
    package let templateSource: String
    /// The compiled template, or the reason why it cannot be used.
    package let template: Result<ChatTemplate, TemplateError>
    /// The reason why a template of the model file is not in force.
    let templateProblem: TemplateError?
    private let names: Set<ExactString>
    private let templateArguments: JSONObject
    private let skipsParsing: Bool
    private let stableHead: StableHead

    /// Compiles the template in force. Takes some milliseconds.
    package init(_ information: ModelInformation, configuration: GenerationConfiguration) {
        self.information = information
        templateArguments = configuration.templateArguments
        skipsParsing = configuration.skipsChatParsing
        stableHead = configuration.stableHead
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

    /// The compiled template.
    /// - Throws: `notSupported` with the reason why the template cannot be used.
    func usableTemplate() throws(GenerationError) -> ChatTemplate {
        try template.mapError { GenerationError(.notSupported, "The chat template cannot be used: \($0)") }.get()
    }

    /// Whether the template accepts only short ids of tool calls.
    var demandsShortCallIDs: Bool { (try? template.get())?.capabilities.demandsShortCallIDs ?? false }

    /// Whether a name is one of this model's. An empty name is.
    package func isNamed(_ name: String) -> Bool {
        name.isEmpty || names.contains(name)
    }

    /// Whether a request with this name means this model, which the map of the configuration decides too.
    package func isNamed(_ name: String, configuration: GenerationConfiguration) -> Bool {
        isNamed(configuration.modelNameMap.target(of: name))
    }

    /// Checks the name of a model in a request.
    /// - Throws: `notFound` for the name of another model, if the configuration refuses other names.
    package func check(name: String?, configuration: GenerationConfiguration) throws(GenerationError) {
        guard let name, configuration.refusesOtherModelNames, !isNamed(name, configuration: configuration) else {
            return
        }
        throw .unknownModel(
            "Field 'model': Value must be \"\(configuration.modelName)\", but got \"\(name.excerpt(bytes: 256))\"")
    }

    /// Checks the indexes of adapters in a request.
    ///
    /// - Parameter field: the path of the list, for the message.
    package func check(_ scales: [AdapterScale], field: String) throws(GenerationError) {
        for scale in scales where !information.adapters.indices.contains(scale.index) {
            throw .field(
                "\(field)[].id",
                "Value must be the number of one of the \(information.adapters.count) adapters, "
                    + "but got \(scale.index)")
        }
    }

    /// The warning of a response whose request names another model; nil if it names this model or none.
    package func warning(about name: String?, configuration: GenerationConfiguration) -> String? {
        guard let name, !isNamed(name, configuration: configuration) else { return nil }
        let (requested, served) = (
            JSONValue.string(String(name.beginning(bytes: 256))), JSONValue.string(configuration.modelName)
        )
        return "model: \(requested.text) is not served here; \(served.text) answers"
    }

    private static func fileName(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.hasSuffix(".gguf") ? name.dropLast(5) : name)
    }

    /// Renders the messages with the chat template.
    /// - Throws: the template's own message if it refuses the messages.
    package func render(_ request: ChatCompletionRequest) throws(GenerationError) -> RenderedPrompt {
        let template = try usableTemplate()
        if request.tools.choice == .required, skipsParsing || template.format.format.calls == nil {
            throw GenerationError(
                .notSupported,
                skipsParsing
                    ? "Field 'tool_choice': this server does not parse tool calls (--skip-chat-parsing)"
                    : "Field 'tool_choice': the model's template has no known format of tool calls",
                field: "tool_choice")
        }
        do throws(TemplateError) {
            return try template.render(
                messages: stableHead.applied(to: request.messages).map(\.templateForm),
                tools: request.tools.shown?.map(\.templateForm),
                addGenerationPrompt: request.addsGenerationPrompt,
                continuing: request.continuation.map(ChatTemplate.Continuation.init),
                arguments: arguments(of: request))
        } catch {
            throw GenerationError(.invalidRequest, error.description, field: "messages")
        }
    }

    /// The values that the template sees by name. Those of the request win.
    func arguments(of request: ChatCompletionRequest) -> JSONObject {
        var arguments = templateArguments.merging(request.templateArguments) { $1 }
        // A budget of 0 without words for the end: a template that can leave the reasoning out costs no tokens for
        // delimiters.
        let isClosedAtOnce = request.reasoningBudget == 0 && request.reasoningMessage.isEmpty
        if isClosedAtOnce, arguments["enable_thinking"] == nil { arguments["enable_thinking"] = false }
        return arguments
    }

    /// Makes the prompt, the output parser and the constraint of a chat.
    ///
    /// Off the engine's thread: rendering may take milliseconds for a long chat.
    func prepare(_ request: ChatCompletionRequest) throws(GenerationError) -> PreparedPrompt {
        let template = try usableTemplate()
        var rendered = try render(request)
        pin(request, in: &rendered)
        let tools =
            request.tools.isActive && !skipsParsing
            ? request.tools.offered.map {
                OfferedTools.Tool(name: $0.name, parameters: $0.parameters, isStrict: $0.isStrict)
            }
            : nil
        let (constraint, warnings) = try constraint(of: request, tools, template, rendered)
        var prepared = PreparedPrompt(prompt: rendered.prompt, constraint: constraint)
        prepared.visibleDelimiters = template.visibleDelimiters(withToolCalls: request.tools.isActive)
        if !skipsParsing {
            prepared.parserDescription.chat = ParserDescription.ChatOutput(
                format: template.format.format, tools: tools, opening: rendered.opening,
                continuation: rendered.continuation, showsReasoning: request.includesReasoningInContent,
                holdsValue: request.options.schemaGrammar != nil && (tools == nil || request.tools.choice != .required),
                warnings: rendered.warnings + warnings)
            prepared.parser = prepared.parserDescription.parser { _ in template.format }
        }
        prepared.reasoning = reasoningRule(for: request, rendered)
        return prepared
    }

    /// Adds the client's pins to the boundaries of a prompt.
    ///
    /// The end of a pinned message is found by a rendering of the messages up to it, which is a prefix of the prompt.
    private func pin(_ request: ChatCompletionRequest, in rendered: inout RenderedPrompt) {
        for index in request.pinnedMessages {
            guard index + 1 < request.messages.count else {
                rendered.pinMessages()
                continue
            }
            var prefix = request
            prefix.messages = Array(request.messages[...index])
            prefix.addsGenerationPrompt = false
            prefix.continuation = nil
            // A template may refuse a part of a conversation. Then the pin is left out: it is no promise.
            if let prefix = try? render(prefix) { rendered.pin(upTo: prefix) }
        }
    }

    /// The constraint of the output: arguments follow the schemas of the offered tools, a required call happens, and
    /// the content follows the request's schema.
    private func constraint(
        of request: ChatCompletionRequest, _ tools: [OfferedTools.Tool]?, _ template: ChatTemplate,
        _ rendered: RenderedPrompt
    ) throws(GenerationError) -> (GenerationConstraint?, warnings: [String]) {
        let maker = OutputGrammar(
            template.format, prompt: rendered, compiler: request.options.schemaCompiler,
            limits: request.options.grammarLimits)
        let schema = request.options.schemaGrammar
        do {
            if let tools {
                let requirement: OutputGrammar.Requirement =
                    request.tools.choice == .required ? .calls : schema.map { .value($0) } ?? .anything
                if let made = try maker.grammar(
                    tools: tools, requirement: requirement, allowsSeveral: request.tools.allowsSeveral)
                {
                    return (GenerationConstraint(made.grammar), made.warnings)
                }
            }
            if let schema { return (GenerationConstraint(try maker.grammar(around: schema)), []) }
        } catch let error as OutputGrammarError {
            throw GenerationError(error, of: request.tools)
        } catch let error as GrammarError {
            throw GenerationError(error, field: "response_format")
        } catch {
            throw GenerationError(.failed, "\(error)")
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

extension GenerationError {
    /// Tools whose schemas cannot become a grammar.
    fileprivate init(_ error: OutputGrammarError, of fields: ConversationTools) {
        switch error {
        case .tool(let name, let error):
            let index = fields.tools.firstIndex { $0.name.hasSameBytes(as: name) } ?? 0
            self.init(error, field: "tools[\(index)].function.parameters", of: "Tool \"\(name)\"")
        case .grammar(let error):
            self = .field("tools", "All tools together exceed the limits of a grammar: \(error)")
            code = "invalid_schema"
        }
    }
}
