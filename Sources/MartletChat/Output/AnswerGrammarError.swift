package import MartletGrammar
package import MartletSchema

/// Why a model cannot be held to the tools that are offered.
package enum AnswerGrammarError: Error, Sendable, Equatable {
    /// The schema of one tool's parameters.
    case tool(name: String, SchemaError)
    /// All of them together.
    case grammar(GrammarError)
}
