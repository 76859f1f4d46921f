extension ChatFormat {
    static let deepSeekR1 = make("deepseek-r1", .headed(ToolCallHead(end: "\n```json\n"), .object)) {
        $0.opening = "<｜tool▁calls▁begin｜>"
        $0.callOpening = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>"
        $0.callClosing = "\n```<｜tool▁call▁end｜>"
        $0.separator = "\n"
        $0.closing = "<｜tool▁calls▁end｜>"
    }.with { $0.reasoning = thinkTags }

    static let deepSeekV3 = make("deepseek-v3", .headed(ToolCallHead(end: "<｜tool▁sep｜>"), .object)) {
        $0.opening = "<｜tool▁calls▁begin｜>"
        $0.callOpening = "<｜tool▁call▁begin｜>"
        $0.callClosing = "<｜tool▁call▁end｜>"
        $0.closing = "<｜tool▁calls▁end｜>"
    }.with { $0.reasoning = thinkTags }

    /// DeepSeek V3.2 and V4.
    static func deepSeekTags(section: String) -> ChatFormat {
        invocations(
            section == "tool_calls" ? "deepseek-v4" : "deepseek-v3.2", prefix: "｜DSML｜", section: "｜DSML｜\(section)",
            .typed("\" string=\"", .isString, "\">")
        ).with { $0.reasoning = thinkTags }
    }
}
