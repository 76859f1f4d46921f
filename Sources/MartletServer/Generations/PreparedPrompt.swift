internal import MartletProtocol
internal import MartletStreams

/// A prompt in the form of a loaded model.
struct PreparedPrompt: Sendable {
    var prompt: Prompt
    /// Texts of control tokens that the splitter must see.
    var visibleDelimiters: [String] = []
    /// How strongly the model's adapters are applied where the request does not say.
    var adapters: [AdapterScale] = []
    /// How thinking is recognised and limited.
    var reasoning: ReasoningRule?
    /// Tells thinking from content; `nil` = all is content.
    var parser: (any OutputParsing)?
    /// What may be written, thinking included; `nil` = what the request's own fields say.
    var constraint: GenerationConstraint?
    /// Tokens that the request names and the model lacks.
    var unknownTokens: [Int32] = []
}
