extension ChatFormat {
    static let seed = make(
        "seed",
        .headed(
            ToolCallHead(end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<parameter=", middle: .text(">"), closing: "</parameter>", separator: "\n",
                    writesPython: true)))
    ) {
        $0.opening = "<seed:tool_call>\n"
        $0.sharesSection = false
        $0.callOpening = "<function="
        $0.callClosing = "\n</function>"
        $0.separator = "\n"
        $0.closing = "\n</seed:tool_call>"
    }.with { $0.reasoning = Delimiters("<seed:think>", "</seed:think>") }
}
