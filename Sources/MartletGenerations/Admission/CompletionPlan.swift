package import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A completion that a caller asks for: the part that does not depend on the model, and a function for the rest.
package struct CompletionPlan: Sendable {
    package let kind: CompletionKind
    /// The client's request, which a journal stores.
    package let body: JSONValue
    /// The texts of the prompts that the response contains; empty if it contains none.
    package var promptTexts: [String]
    package let options: CompletionOptions
    package let promptCount: Int
    /// The prefix of the generation's id on the wire.
    package let idPrefix: String
    /// Makes the view of the response.
    package let makeView: @Sendable (ResponseHead) -> any StreamView
    /// The conversation; nil for a plain completion.
    package var chat: ChatCompletionRequest?
    /// Makes the prompts for a model. May take long: it renders the chat template.
    private let prepare: @Sendable (ServedModel) throws(GenerationError) -> [PreparedPrompt]

    /// Makes the plan of a chat.
    package init(
        chat: ChatCompletionRequest, body: JSONValue, promptTexts: [String], idPrefix: String,
        makeView: @escaping @Sendable (ResponseHead) -> any StreamView
    ) {
        kind = .chat
        self.body = body
        self.promptTexts = promptTexts
        options = chat.options
        promptCount = 1
        self.idPrefix = idPrefix
        self.makeView = makeView
        self.chat = chat
        prepare = { model throws(GenerationError) in [try model.prepare(chat)] }
    }

    /// Makes the plan of a plain completion, which continues each prompt as it is.
    package init(
        kind: CompletionKind, prompts: [Prompt], options: CompletionOptions, body: JSONValue, promptTexts: [String],
        idPrefix: String, makeView: @escaping @Sendable (ResponseHead) -> any StreamView
    ) {
        self.kind = kind
        self.body = body
        self.promptTexts = promptTexts
        self.options = options
        promptCount = prompts.count
        self.idPrefix = idPrefix
        self.makeView = makeView
        prepare = { _ throws(GenerationError) in prompts.map { PreparedPrompt(prompt: $0) } }
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
            prompts[index].parser = WarningParser([warning], before: prompts[index].parser)
        }
        return prompts
    }
}
