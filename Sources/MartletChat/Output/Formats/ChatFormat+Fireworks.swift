extension ChatFormat {
    /// FireFunction v2: a list of JSON objects behind a word.
    ///
    ///     functools[{"name": "get_weather", "arguments": {"city": "Oslo"}}]
    ///
    /// There is no closing delimiter: the bracket ends the section.
    static let firefunction = list("firefunction", " functools", "")
}
