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

    init(_ spacing: JSONSpacing, _ builder: inout GrammarBuilder) throws(GrammarError) {
        let nothing = builder.empty()
        switch spacing {
        case .compact:
            afterColon = nothing
            afterComma = nothing
            inside = nothing
        case .pretty:
            afterColon = builder.text(" ")
            let line = builder.sequence([builder.text("\n"), try builder.repetition(builder.text(" "), 0, 40)])
            afterComma = line
            inside = line
        case .free:
            let line = builder.sequence([
                builder.text("\n"),
                builder.choice([
                    try builder.repetition(builder.text(" "), 0, 40), try builder.repetition(builder.text("\t"), 1, 20),
                ]),
            ])
            let space = builder.choice([nothing, builder.text(" "), line])
            afterColon = builder.choice([nothing, builder.text(" ")])
            afterComma = space
            inside = space
        }
    }
}
