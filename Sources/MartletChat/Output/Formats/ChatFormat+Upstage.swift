extension ChatFormat {
    static let solar = make(
        "solar",
        .headed(
            ToolCallHead(front: .identifier(""), nameStart: "<|tool_call:name|>", end: "<|tool_call:args|>"), .object)
    ) {
        $0.opening = "<|tool_calls|>"
        $0.callOpening = "<|tool_call:begin|>"
        $0.callClosing = "<|tool_call:end|>"
    }.with {
        $0.reasoning = Delimiters("<|think|>", "<|end|>")
        $0.content = [Delimiters("<|content|>", "<|end|>")]
        $0.ignored = ["<|begin|>assistant", "<|calls|>"]
    }
}
