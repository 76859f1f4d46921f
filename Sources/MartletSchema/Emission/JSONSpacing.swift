import MartletGrammar

/// The white space that a model may generate between the tokens of a JSON text.
///
/// It is bounded everywhere: a model that only generates white space would otherwise never end.
package enum JSONSpacing: String, Sendable, Equatable, CaseIterable {
    /// No white space.
    case compact
    /// A space after each colon; each member and item on its own line, indented by at most 40 spaces.
    case pretty
    /// Nothing, one space, or a line break with at most 40 spaces or 20 tabs.
    case free
}

/// The white space of a grammar, as expressions of its builder.
struct SpacingNodes {
    typealias Node = GrammarBuilder.Node

    let afterColon: Node
    let afterComma: Node
    /// After an opening bracket and before a closing one, if the brackets are not empty.
    let inside: Node

    /// Adds the expressions to a builder.
    init(_ spacing: JSONSpacing, _ builder: inout GrammarBuilder) {
        let nothing = builder.empty()
        switch spacing {
        case .compact:
            afterColon = nothing
            afterComma = nothing
            inside = nothing
        case .pretty:
            afterColon = builder.text(" ")
            afterComma = builder.automaton(Self.line)
            inside = afterComma
        case .free:
            afterColon = builder.optional(builder.text(" "))
            afterComma = builder.automaton(Self.free)
            inside = afterComma
        }
    }

    private static let line = automaton("\\n {0,40}")
    private static let free = automaton("(?: |\\n {0,40}|\\n\\t{1,20})?")

    /// The automaton of a constant pattern.
    private static func automaton(_ pattern: String) -> ByteAutomaton {
        do {
            return try RegexCompiler.search("^\(pattern)$").plainText()
        } catch {
            // The patterns are constants of this file.
            preconditionFailure("white space is a small automaton")
        }
    }
}
