extension ChatFormat {
    /// DeepSeek R1.
    ///
    ///     <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n
    ///     {"city": "Oslo"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
    ///
    /// The head is the name up to the fence; the fence is a part of the head and of the closing delimiter. The bars
    /// are U+FF5C and the blanks U+2581.
    static let deepSeekR1 = make("deepseek-r1", .headed(ToolCallHead(end: "\n```json\n"), .object)) {
        $0.opening = "<｜tool▁calls▁begin｜>"
        $0.callOpening = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>"
        $0.callClosing = "\n```<｜tool▁call▁end｜>"
        $0.separator = "\n"
        $0.closing = "<｜tool▁calls▁end｜>"
    }.with { $0.reasoning = thinkTags }

    /// DeepSeek V3.1: like R1, without `function` and without a fence.
    ///
    ///     <｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Oslo"}<｜tool▁call▁end｜>
    static let deepSeekV3 = make("deepseek-v3", .headed(ToolCallHead(end: "<｜tool▁sep｜>"), .object)) {
        $0.opening = "<｜tool▁calls▁begin｜>"
        $0.callOpening = "<｜tool▁call▁begin｜>"
        $0.callClosing = "<｜tool▁call▁end｜>"
        $0.closing = "<｜tool▁calls▁end｜>"
    }.with { $0.reasoning = thinkTags }

    /// DeepSeek V3.2 (`function_calls`) and V4 (`tool_calls`).
    ///
    ///     <｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n
    ///     <｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>
    ///
    /// The word behind `string=` decides whether the value is a string or JSON.
    static func deepSeekTags(section: String) -> ChatFormat {
        invocations(
            section == "tool_calls" ? "deepseek-v4" : "deepseek-v3.2", prefix: "｜DSML｜", section: "｜DSML｜\(section)",
            .typed("\" string=\"", .isString, "\">")
        ).with { $0.reasoning = thinkTags }
    }
}
