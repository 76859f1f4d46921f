extension ChatFormat {
    /// MiniMax M2.
    ///
    ///     <minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Oslo</parameter>\n</invoke>\n
    ///     </minimax:tool_call>
    ///
    /// The section's tags, the invoke tags and the parameter tags are delimiters. `Oslo` is the value.
    static let minimaxM2 = invocations("minimax-m2", prefix: "", section: "minimax:tool_call")
        .with { $0.reasoning = thinkTags }

    /// MiniMax M3: every tag has the prefix `]<]minimax[>[`, and lists and objects are nested tags.
    ///
    ///     ]<]minimax[>[<invoke name="get_weather">]<]minimax[>[<city>Oslo]<]minimax[>[</city>]<]minimax[>[</invoke>
    ///
    /// The key is the tag's name. `NestedValueParser` parses nested values.
    static let minimaxM3 = make(
        "minimax-m3",
        .headed(
            ToolCallHead(nameStops: ["\""], end: ">"),
            .tagged(
                TaggedArguments(
                    opening: "]<]minimax[>[<", middle: .text(">"), closing: "]<]minimax[>[</",
                    nestedPrefix: "]<]minimax[>[")))
    ) {
        $0.opening = "]<]minimax[>[<tool_call>\n"
        $0.callOpening = "]<]minimax[>[<invoke name=\""
        $0.callClosing = "]<]minimax[>[</invoke>"
        $0.separator = "\n"
        $0.closing = "\n]<]minimax[>[</tool_call>"
    }.with { $0.reasoning = Delimiters("<mm:think>", "</mm:think>") }
}
