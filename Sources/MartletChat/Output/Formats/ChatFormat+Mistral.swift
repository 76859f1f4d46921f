extension ChatFormat {
    /// Mistral 7B v0.3 and Nemo: a list of objects, each with an id of nine characters.
    ///
    ///     [TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "abc123def"}]
    ///
    /// The parser also accepts the notation of newer models.
    static let mistralList = mistralObjects.with { $0.calls?.otherForms = [mistralHeads.calls].compactMap { $0 } }

    /// Ministral 3, Devstral and later models: one call per delimiter.
    ///
    ///     [THINK]Hm.[/THINK][TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}
    ///
    /// The head is the name up to `[ARGS]`. The parser also accepts a list of objects.
    static let mistral = make("mistral", .headed(ToolCallHead(end: "[ARGS]"), .object)) {
        $0.callOpening = "[TOOL_CALLS]"
    }.with {
        $0.reasoning = Delimiters("[THINK]", "[/THINK]")
        $0.calls?.otherForms = [mistralObjects.calls].compactMap { $0 }
    }

    /// Mistral Small 3.2, whose heads contain the call's id.
    ///
    ///     [TOOL_CALLS]get_weather[CALL_ID]abc123def[ARGS]{"city": "Oslo"}
    ///
    /// The name ends at `[CALL_ID]`; the id is part of the delimiter.
    static let mistralWithIdentifiers = mistralHeads.with {
        $0.calls?.otherForms = [mistralObjects.calls].compactMap { $0 }
    }

    /// The notation of a list, for the two formats that accept it.
    private static let mistralObjects = list(
        "mistral-list", "[TOOL_CALLS]", "",
        .object(name: "name", arguments: "arguments", id: ToolCallIDField(key: "id", isFirst: false)))

    /// The notation of heads with an id.
    private static let mistralHeads = make(
        "mistral-ids",
        .headed(ToolCallHead(nameStops: ["[CALL_ID]"], filling: .identifier("[CALL_ID]"), end: "[ARGS]"), .object)
    ) {
        $0.callOpening = "[TOOL_CALLS]"
    }
}
