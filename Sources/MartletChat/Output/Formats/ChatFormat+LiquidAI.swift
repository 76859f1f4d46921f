extension ChatFormat {
    static let lfm = list("lfm", "<|tool_call_start|>", "<|tool_call_end|>", .headed(ToolCallHead(), .python))
}
