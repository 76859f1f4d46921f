extension ChatFormat {
    /// Command R7B, Command A and Cohere2 MoE.
    static let command = list(
        "command", "<|START_ACTION|>", "<|END_ACTION|>",
        .object(
            name: "tool_name", arguments: "parameters", id: ToolCallIDField(key: "tool_call_id", isFirst: true))
    ).with {
        $0.reasoning = Delimiters("<|START_THINKING|>", "<|END_THINKING|>")
        $0.content = [
            Delimiters("<|START_RESPONSE|>", "<|END_RESPONSE|>"), Delimiters("<|START_TEXT|>", "<|END_TEXT|>"),
        ]
    }

    /// Command R and R+.
    static let commandFenced = list(
        "command-fenced", "Action:\n```json\n", "```", .object(name: "tool_name", arguments: "parameters"))
}
