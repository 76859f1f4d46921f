internal import MartletAPI
internal import MartletJSON

/// What a completion route makes of a request: everything that does not depend on the model, and how to make the rest.
struct Completion<View: CompletionView>: Sendable {
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
    let prepare: @Sendable (LoadedModel) throws(APIError) -> [PreparedPrompt]
}
