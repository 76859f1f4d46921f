extension ChatFormat {
    static let apriel = list("apriel", "<tool_calls>", "</tool_calls>")
        .with { $0.reasoning = Delimiters("Here are my reasoning steps:\n", "\n[BEGIN FINAL RESPONSE]") }
}
