extension ChatFormat {
    /// Apertus. The only key of each object is the tool's name.
    ///
    ///     <|tools_prefix|>[{"get_weather": {"city": "Oslo"}}]<|tools_suffix|>
    static let apertus = list("apertus", "<|tools_prefix|>", "<|tools_suffix|>", .nameAsKey)
        .with { $0.reasoning = Delimiters("<|inner_prefix|>", "<|inner_suffix|>") }
}
