extension ChatFormat {
    /// Gemma 4.
    static let gemma = make("gemma", .headed(ToolCallHead(), .gemma)) {
        $0.callOpening = "<|tool_call>call:"
        $0.callClosing = "<tool_call|>"
    }.with {
        $0.reasoning = Delimiters("<|channel>thought\n", "<channel|>")
        $0.ignored = ["<|tool_response>"]
    }

    /// Gemma 2 and 3, whose templates know no tools.
    static let gemmaFenced = list("gemma-fenced", "```tool_code\n", "\n```", .headed(ToolCallHead(), .python))
}
