/// The notation of values. All notations but JSON belong to tool calls of certain chat formats.
package enum ValueNotation: Hashable, Sendable {
    case json
    /// Python's literals: `['a', True, None]`.
    case python
    /// Gemma's notation: strings between `<|"|>`, names without quotes and in alphabetical order.
    case gemma
    /// Nested tags, each after a prefix; items of arrays are in tags named `item`. Strings have no quotes.
    case tags(prefix: String)

    /// The delimiter of Gemma's strings.
    static let gemmaQuote = "<|\"|>"
    /// The tag of an item of an array.
    static let item = "item"
}

/// The notation of a tool call's arguments, which are the members of an object.
package enum ArgumentNotation {
    /// A JSON object: `{"city": "Oslo"}`.
    case json
    /// Keyword arguments in parentheses: `(city='Oslo', days=3)`.
    case python
    /// `{city:<|"|>Oslo<|"|>}`.
    case gemma
    /// One argument after the other, each between tags.
    case tagged(TagNotation)

    /// The notation of the values inside.
    var values: ValueNotation {
        switch self {
        case .json: .json
        case .python: .python
        case .gemma: .gemma
        case .tagged(let tags): tags.prefix.map { .tags(prefix: $0) } ?? .json
        }
    }
}
