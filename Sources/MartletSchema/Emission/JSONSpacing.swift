import MartletGrammar

/// Where a model may put white space between the parts of a JSON text. It is bounded everywhere.
package enum JSONSpacing: String, Sendable, Equatable, CaseIterable {
    /// None.
    case compact
    /// One space behind a colon; each member and item on a line of its own, indented by at most 40 spaces.
    case pretty
    /// None, one space, or a line break with at most 40 spaces or 20 tabs.
    case free
}

/// The white space of a grammar, as nodes of its builder.
struct SpacingNodes {
    typealias Node = GrammarBuilder.Node

    let afterColon: Node
    let afterComma: Node
    /// Behind an opening bracket and before a closing one, where something stands between them.
    let inside: Node

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

    private static func automaton(_ pattern: String) -> ByteAutomaton {
        do {
            return try RegexCompiler.search("^\(pattern)$").plainText()
        } catch {
            // No outside data is in it.
            preconditionFailure("white space is a small automaton")
        }
    }
}
