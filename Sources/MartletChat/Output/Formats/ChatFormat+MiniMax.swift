extension ChatFormat {
    static let minimaxM2 = invocations("minimax-m2", prefix: "", section: "minimax:tool_call")
        .with { $0.reasoning = thinkTags }

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
