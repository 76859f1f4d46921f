import MartletGrammar

/// The expressions around and between the members of an object or the items of an array.
///
///     open lead part between part end
///     open emptyEnd
struct Brackets {
    typealias Node = GrammarBuilder.Node

    let open: Node
    /// The end directly after `open`.
    let emptyEnd: Node
    /// White space before the first part.
    let lead: Node
    let between: Node
    let end: Node

    init(open: Node, emptyEnd: Node, lead: Node, between: Node, end: Node) {
        self.open = open
        self.emptyEnd = emptyEnd
        self.lead = lead
        self.between = between
        self.end = end
    }

    /// The brackets of a notation. Between tags, only an empty object or array has brackets.
    init(
        _ open: String, _ close: String, _ notation: ValueNotation, _ spacing: SpacingNodes,
        _ builder: inout GrammarBuilder
    ) {
        if case .tags = notation {
            // Only an empty one has brackets.
            let nothing = builder.empty()
            self.init(
                open: nothing, emptyEnd: builder.text(open + close), lead: nothing, between: nothing, end: nothing)
        } else {
            let close = builder.text(close)
            self.init(
                open: builder.text(open), emptyEnd: close, lead: spacing.inside,
                between: builder.sequence([builder.text(","), spacing.afterComma]),
                end: builder.sequence([spacing.inside, close]))
        }
    }
}
