extension ChatFormat {
    /// Seed-OSS.
    ///
    ///     <seed:tool_call>\n<function=get_weather>\n<parameter=city>Oslo</parameter>\n</function>\n</seed:tool_call>
    ///
    /// Delimiters: the section, the function tag with the name, the parameter tags with the key. `Oslo` is the value.
    /// Qwen3 Coder's notation without the line feeds around values. Reasoning stands between `<seed:think>` and
    /// `</seed:think>`.
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
