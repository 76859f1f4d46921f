/// How values are written. Others than JSON are for the arguments of tool calls.
package enum ValueNotation: Hashable, Sendable {
    case json
    /// Python's literals.
    case python
    /// Gemma's: strings in marks of their own, keys without any, in alphabetical order.
    case gemma
    /// Tags in tags, each behind a prefix; an array's are named `item`. Strings have no quotes.
    case tags(prefix: String)

    /// What Gemma puts around strings.
    static let gemmaQuote = "<|\"|>"
    static let item = "item"
}

/// How a call's arguments are written: the members of an object.
package enum ArgumentNotation {
    /// An object.
    case json
    /// Keyword arguments in parentheses: `(city='Oslo', days=3)`.
    case python
    /// `{city:<|"|>Oslo<|"|>}`.
    case gemma
    /// One by one, each between tags.
    case tagged(TagNotation)

    var values: ValueNotation {
        switch self {
        case .json: .json
        case .python: .python
        case .gemma: .gemma
        case .tagged(let tags): tags.prefix.map { .tags(prefix: $0) } ?? .json
        }
    }
}
