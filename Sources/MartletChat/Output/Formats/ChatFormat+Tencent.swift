extension ChatFormat {
    /// Hunyuan A13B: name and arguments in a fence.
    ///
    ///     <tool_calls>\n<tool_call>get_weather\n```json\n{"city": "Oslo"}\n```\n</tool_call>\n</tool_calls>
    static let hunyuanFenced = make("hunyuan-fenced", .headed(ToolCallHead(end: "\n```json\n"), .object)) {
        $0.opening = "<tool_calls>\n"
        $0.callOpening = "<tool_call>"
        $0.callClosing = "\n```\n</tool_call>"
        $0.separator = "\n"
        $0.closing = "\n</tool_calls>"
    }

    /// Hunyuan 3 (Hy3), whose tags may have a suffix such as `:opensource`.
    ///
    ///     <tool_calls>\n<tool_call>get_weather<tool_sep>\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n
    ///     </tool_call>\n</tool_calls>
    static func hunyuan(suffix: String) -> ChatFormat {
        make(
            "hunyuan",
            .headed(
                ToolCallHead(end: "<tool_sep\(suffix)>\n"),
                .tagged(
                    TaggedArguments(
                        opening: "<arg_key\(suffix)>", middle: .text("</arg_key\(suffix)>\n<arg_value\(suffix)>"),
                        closing: "</arg_value\(suffix)>", separator: "\n")))
        ) {
            $0.opening = "<tool_calls\(suffix)>\n"
            $0.callOpening = "<tool_call\(suffix)>"
            $0.callClosing = "\n</tool_call\(suffix)>"
            $0.separator = "\n"
            $0.closing = "\n</tool_calls\(suffix)>"
        }.with { $0.reasoning = Delimiters("<think\(suffix)>", "</think\(suffix)>") }
    }
}
