package import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A completion that a caller asks for: the part that does not depend on the model, and a function for the rest.
package struct CompletionPlan: Sendable {
    package let kind: CompletionKind
    /// The client's request, which a journal stores.
    package let body: JSONValue
    /// The texts of the prompts that the response contains; empty if it contains none.
    package let promptTexts: PromptTexts
    package let options: CompletionOptions
    package let promptCount: Int
    /// The prefix of the generation's id on the wire.
    package let idPrefix: String
    /// Makes the view of the response.
    package let makeView: @Sendable (ResponseHead) -> any ResponseView
    /// Whether the response begins with its prompt.
    package let echoes: Bool
    /// Returns the conversation; nil for a plain completion.
    let loadChat: @Sendable () throws(GenerationError) -> ChatCompletionRequest?
    /// Makes the prompts for a model. May take long: it renders the chat template.
    private let prepare: @Sendable (ServedModel) throws(GenerationError) -> [PreparedPrompt]

    /// Makes the plan of a chat.
    package init(
        kind: CompletionKind = .chat, chat: ChatCompletionRequest, body: JSONValue, promptTexts: PromptTexts,
        idPrefix: String, makeView: @escaping @Sendable (ResponseHead) -> any ResponseView
    ) {
        self.kind = kind
        self.body = body
        self.promptTexts = promptTexts
        options = chat.options
        promptCount = 1
        self.idPrefix = idPrefix
        self.makeView = makeView
        echoes = false
        loadChat = { chat }
        prepare = { model throws(GenerationError) in [try model.prepare(chat)] }
    }

    /// Makes the plan of a plain completion, which continues each prompt as it is.
    package init(
        kind: CompletionKind, prompts: [Prompt], options: CompletionOptions, body: JSONValue, promptTexts: PromptTexts,
        idPrefix: String, echoes: Bool = false, makeView: @escaping @Sendable (ResponseHead) -> any ResponseView
    ) {
        self.init(
            kind: kind, prepared: prompts.map { PreparedPrompt(prompt: $0) }, options: options, body: body,
            promptTexts: promptTexts, idPrefix: idPrefix, echoes: echoes, makeView: makeView)
    }

    /// Makes the plan of a completion whose prompts depend on no model. Their parsers and constraints are part of them.
    package init(
        kind: CompletionKind, prepared prompts: [PreparedPrompt], options: CompletionOptions, body: JSONValue,
        promptTexts: PromptTexts, idPrefix: String, echoes: Bool = false,
        makeView: @escaping @Sendable (ResponseHead) -> any ResponseView
    ) {
        self.kind = kind
        self.body = body
        self.promptTexts = promptTexts
        self.options = options
        promptCount = prompts.count
        self.idPrefix = idPrefix
        self.makeView = makeView
        self.echoes = echoes
        loadChat = { nil }
        prepare = { _ throws(GenerationError) in prompts }
    }

    /// Makes the plan of a completion that an earlier server began, from the options that it resolved.
    ///
    /// - Parameter readAgain: validates the request once more. Called only for a control command that continues the
    ///   conversation, and for a request that no engine has received.
    init(
        restoring resolved: ResolvedOptions, of request: StoredRequest, idPrefix: String,
        makeView: @escaping @Sendable (ResponseHead) -> any ResponseView,
        readAgain: @escaping @Sendable () throws(GenerationError) -> CompletionPlan
    ) {
        kind = request.kind
        body = request.body
        promptTexts = PromptTexts(request.promptTexts)
        options = resolved.options
        promptCount = max(1, request.promptTexts.count)
        self.idPrefix = idPrefix
        self.makeView = makeView
        echoes = resolved.echoes
        loadChat = { () throws(GenerationError) in try readAgain().loadChat() }
        prepare = { model throws(GenerationError) in
            let plan = try readAgain()
            return try plan.prepare(model).map { prompt in
                var prompt = prompt
                // Resolved options have no constraint.
                prompt.constraint = prompt.constraint ?? plan.options.constraint
                return prompt
            }
        }
    }

    /// The prompts for the engine. Their output begins with a warning if the request does not fit the model.
    func prepared(for model: ServedModel) throws(GenerationError) -> [PreparedPrompt] {
        var prompts = try prepare(model)
        let size = model.information.vocabularySize
        let unknown = options.unknownTokens(vocabularySize: size)
        guard !unknown.isEmpty else { return prompts }
        let named = unknown.prefix(8).map(String.init).joined(separator: ", ") + (unknown.count > 8 ? ", …" : "")
        let warning =
            "Field 'logit_bias': The token id must be between 0 and \(size - 1), but got \(named); it was left out."
        for index in prompts.indices {
            prompts[index].unknownTokens = unknown
            prompts[index].parserDescription.warnings = [warning]
            prompts[index].parser = WarningParser([warning], before: prompts[index].parser)
        }
        return prompts
    }
}
