extension ChatFormat {
    /// Command R7B, Command A and Cohere2 MoE.
    ///
    ///     <|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[
    ///         {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Oslo"}}
    ///     ]<|END_ACTION|>
    ///
    /// Delimiters: all tokens `<|…|>` and the brackets of the list. Content stands between `<|START_RESPONSE|>` and
    /// `<|END_RESPONSE|>`. Each call needs an id in front of its name.
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
    ///
    ///     Action:\n```json\n[{"tool_name": "get_weather", "parameters": {"city": "Oslo"}}]\n```
    ///
    /// The word `Action:` and the fence are the opening delimiter. The fence alone is content.
    static let commandFenced = list(
        "command-fenced", "Action:\n```json\n", "```", .object(name: "tool_name", arguments: "parameters"))
}
