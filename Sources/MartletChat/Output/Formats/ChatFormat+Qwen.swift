extension ChatFormat {
    /// Qwen3 Coder, StepFun 3.5, Nemotron 3.
    ///
    ///     <tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>
    ///
    /// One line feed behind the opening tag and one in front of the closing tag are delimiters; further ones are part
    /// of the value. Truth values are written as in Python.
    static let qwenCoder = make(
        "qwen-coder",
        .headed(
            ToolCallHead(end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<parameter=", middle: .text(">\n"), closing: "\n</parameter>", separator: "\n",
                    writesPython: true)))
    ) {
        $0.opening = "<tool_call>\n"
        $0.sharesSection = false
        $0.callOpening = "<function="
        $0.callClosing = "\n</function>"
        $0.separator = "\n"
        $0.closing = "\n</tool_call>"
    }
}
