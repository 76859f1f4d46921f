extension ChatFormat {
    /// Mistral 7B v0.3 and Nemo.
    static let mistralList = mistralObjects.with { $0.calls?.otherForms = [mistralHeads.calls].compactMap { $0 } }

    static let mistral = make("mistral", .headed(ToolCallHead(end: "[ARGS]"), .object)) {
        $0.callOpening = "[TOOL_CALLS]"
    }.with {
        $0.reasoning = Delimiters("[THINK]", "[/THINK]")
        $0.calls?.otherForms = [mistralObjects.calls].compactMap { $0 }
    }

    static let mistralWithIdentifiers = mistralHeads.with {
        $0.calls?.otherForms = [mistralObjects.calls].compactMap { $0 }
    }

    private static let mistralObjects = list(
        "mistral-list", "[TOOL_CALLS]", "",
        .object(name: "name", arguments: "arguments", id: ToolCallIDField(key: "id", isFirst: false)))

    private static let mistralHeads = make(
        "mistral-ids",
        .headed(ToolCallHead(nameStops: ["[CALL_ID]"], filling: .identifier("[CALL_ID]"), end: "[ARGS]"), .object)
    ) {
        $0.callOpening = "[TOOL_CALLS]"
    }
}
