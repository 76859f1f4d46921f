extension ChatFormat {
    /// Solar Open: sections of an output between tokens, and an id in front of the name.
    ///
    ///     <|think|>Hm.<|end|><|begin|>assistant<|tool_calls|><|tool_call:begin|>a1b2<|tool_call:name|>get_weather
    ///     <|tool_call:args|>{"city": "Oslo"}<|tool_call:end|><|calls|>
    ///
    /// The text in front of `<|tool_call:name|>` is the call's id and part of the head.
    static let solar = make(
        "solar",
        .headed(
            ToolCallHead(front: .identifier(""), nameStart: "<|tool_call:name|>", end: "<|tool_call:args|>"), .object)
    ) {
        $0.opening = "<|tool_calls|>"
        $0.callOpening = "<|tool_call:begin|>"
        $0.callClosing = "<|tool_call:end|>"
    }.with {
        $0.reasoning = Delimiters("<|think|>", "<|end|>")
        $0.content = [Delimiters("<|content|>", "<|end|>")]
        $0.ignored = ["<|begin|>assistant", "<|calls|>"]
    }
}
