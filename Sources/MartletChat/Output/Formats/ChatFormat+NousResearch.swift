extension ChatFormat {
    /// Hermes, Qwen 2.5 and 3, Granite 4, SmolLM3, MiMo and many more.
    ///
    ///     <think>\nHm.\n</think>\n\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>
    ///
    /// Each call has its own tags. Reasoning delimiters come from the template, as not all of these models reason.
    static let hermes = make("hermes", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<tool_call>\n"
        $0.callClosing = "\n</tool_call>"
        $0.separator = "\n"
    }
}
