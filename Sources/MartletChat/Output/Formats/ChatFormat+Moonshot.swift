/// Kimi K2.
///
///     <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>
///     {"city": "Oslo"}<|tool_call_end|><|tool_calls_section_end|>
///
/// The head consists of `functions.`, the name, and the call's number from 0. Only the name between them counts.
extension ChatFormat {
    static let kimi = make(
        "kimi",
        .headed(
            ToolCallHead(
                nameStart: "functions.", nameStops: [":"], filling: .number(":", from: 0, ""),
                end: "<|tool_call_argument_begin|>"), .object)
    ) {
        $0.opening = "<|tool_calls_section_begin|>"
        $0.callOpening = "<|tool_call_begin|>"
        $0.callClosing = "<|tool_call_end|>"
        $0.closing = "<|tool_calls_section_end|>"
    }

    /// Kimi K3: tagged arguments with a type word.
    ///
    ///     <|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|>
    ///     <|open|>argument key="city" type="string"<|sep|>Oslo<|close|>argument<|sep|><|close|>call<|sep|>…
    ///
    /// The word behind `type=` decides whether the value is a string or JSON. Content stands between `response` tags.
    static let kimiTags = make(
        "kimi-k3",
        .headed(
            ToolCallHead(nameStops: ["\""], filling: .number("\" index=\"", from: 1, "\""), end: "<|sep|>"),
            .tagged(
                TaggedArguments(
                    opening: "<|open|>argument key=\"", middle: .typed("\" type=\"", .typeName, "\"<|sep|>"),
                    closing: "<|close|>argument<|sep|>")))
    ) {
        $0.opening = "<|open|>tools<|sep|>"
        $0.callOpening = "<|open|>call tool=\""
        $0.callClosing = "<|close|>call<|sep|>"
        $0.closing = "<|close|>tools<|sep|>"
    }.with {
        $0.reasoning = Delimiters("<|open|>think<|sep|>", "<|close|>think<|sep|>")
        $0.content = [Delimiters("<|open|>response<|sep|>", "<|close|>response<|sep|>")]
        $0.ignored = ["<|close|>message<|sep|>", "<|end_of_msg|>"]
    }
}
