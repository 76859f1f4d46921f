package import MartletGrammar
package import MartletSchema

/// Why the offered tools cannot be enforced.
package enum OutputGrammarError: Error, Sendable, Equatable {
    /// The schema of one tool's parameters.
    case tool(name: String, SchemaError)
    /// All of them together.
    case grammar(GrammarError)
}
