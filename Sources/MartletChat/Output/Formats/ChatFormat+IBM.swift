extension ChatFormat {
    /// Granite 3.
    ///
    ///     <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]
    ///
    /// Content may stand between `<response>` and `</response>`.
    static let granite = list("granite", "<|tool_call|>", "")
        .with { $0.content = [Delimiters("<response>", "</response>")] }
}
