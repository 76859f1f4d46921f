internal import MartletAPI
internal import MartletJSON
internal import MartletProtocol

/// What a completion route makes of a request: everything that does not depend on the model, and how to make the rest.
struct CompletionPlan<View: CompletionView>: Sendable {
    let kind: CompletionKind
    /// The request's.
    let body: JSONValue
    /// What its client is told that the prompts were, where that is told.
    var promptTexts: [String] = []
    let options: CompletionOptions
    let promptCount: Int
    /// What goes before the generation's id on the wire.
    let idPrefix: String
    let makeView: @Sendable (ResponseHead) -> View
    /// The conversation, if it is one.
    var chat: ChatCompletionRequest?
    /// What the engine gets, once the model is there: of each prompt.
    let prepare: @Sendable (ServedModel) throws(APIError) -> [PreparedPrompt]

    /// The prompts for the engine, with warnings where the request does not fit the model.
    func prepared(for model: ServedModel) throws(APIError) -> [PreparedPrompt] {
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
