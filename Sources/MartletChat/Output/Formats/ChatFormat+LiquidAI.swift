extension ChatFormat {
    /// LFM2: a list of Python calls between two tokens.
    ///
    ///     <|tool_call_start|>[get_weather(city="Oslo", days=3)]<|tool_call_end|>
    static let lfm = list("lfm", "<|tool_call_start|>", "<|tool_call_end|>", .headed(ToolCallHead(), .python))
}
