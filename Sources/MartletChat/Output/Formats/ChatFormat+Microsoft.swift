extension ChatFormat {
    /// Phi 4 mini.
    ///
    ///     <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]<|/tool_call|>
    static let phi = list("phi", "<|tool_call|>", "<|/tool_call|>")
}
