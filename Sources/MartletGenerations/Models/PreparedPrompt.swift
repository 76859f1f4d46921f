package import MartletProtocol
package import MartletStreams

/// A prompt in the form that a loaded model demands.
package struct PreparedPrompt: Sendable {
    package var prompt: Prompt
    /// Texts of control tokens that the output parser must see.
    package var visibleDelimiters: [String] = []
    /// The scales of the model's adapters; they apply if the request names none.
    package var adapters: [AdapterScale] = []
    /// The delimiters and limits of reasoning; nil if the delimiters are not known.
    package var reasoning: ReasoningRule?
    /// The output parser; nil if the whole output is content.
    package var parser: (any OutputParsing)?
    /// The values that the parser was made from.
    package var parserDescription = ParserDescription()
    /// The constraint of the output, reasoning included; nil = the request's own constraint.
    package var constraint: GenerationConstraint?
    /// Tokens that the request names and the model lacks. Their biases are left out.
    package var unknownTokens: [Int32] = []

    /// Makes a prompt whose whole output is content.
    package init(prompt: Prompt, adapters: [AdapterScale] = [], constraint: GenerationConstraint? = nil) {
        self.prompt = prompt
        self.adapters = adapters
        self.constraint = constraint
    }
}
