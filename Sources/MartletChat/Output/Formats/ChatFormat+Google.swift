extension ChatFormat {
    /// Gemma 4.
    ///
    ///     <|channel>thought\nHm.<channel|><|tool_call>call:get_weather{city:<|"|>Oslo<|"|>,days:3}<tool_call|>
    ///
    /// Delimiters: the channel tags with the word `thought`, and the call tags with `call:`. Strings have their own
    /// quote token, keys have none.
    static let gemma = make("gemma", .headed(ToolCallHead(), .gemma)) {
        $0.callOpening = "<|tool_call>call:"
        $0.callClosing = "<tool_call|>"
    }.with {
        $0.reasoning = Delimiters("<|channel>thought\n", "<channel|>")
        $0.ignored = ["<|tool_response>"]
    }

    /// Gemma 2 and 3. Their templates have no tools, so the notation is the one that Google's guide prescribes.
    ///
    ///     ```tool_code\n[get_weather(city='Oslo', days=3)]\n```
    static let gemmaFenced = list("gemma-fenced", "```tool_code\n", "\n```", .headed(ToolCallHead(), .python))
}
