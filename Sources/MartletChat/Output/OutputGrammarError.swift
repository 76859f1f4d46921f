package import MartletGrammar
package import MartletSchema

/// The reason why the offered tools cannot be enforced. The server maps it to 400 with the tool's name.
package enum OutputGrammarError: Error, Sendable, Equatable {
    /// The schema of this tool's parameters is invalid, unsupported or too large.
    case tool(name: String, SchemaError)
    /// All schemas together exceed a limit of grammars.
    case grammar(GrammarError)
}
