extension ChatFormat {
    /// Apriel. Reasoning begins with a sentence, not with a tag.
    ///
    ///     Here are my reasoning steps:\nHm.\n[BEGIN FINAL RESPONSE]<tool_calls>[{"name": …}]</tool_calls>
    static let apriel = list("apriel", "<tool_calls>", "</tool_calls>")
        .with { $0.reasoning = Delimiters("Here are my reasoning steps:\n", "\n[BEGIN FINAL RESPONSE]") }
}
