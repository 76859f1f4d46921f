extension ChatFormat {
    /// Hermes, Qwen 2.5 and 3, Granite 4, SmolLM3, MiMo and many more.
    static let hermes = make("hermes", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<tool_call>\n"
        $0.callClosing = "\n</tool_call>"
        $0.separator = "\n"
    }
}
