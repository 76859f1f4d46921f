extension ChatFormat {
    /// Granite 3.
    static let granite = list("granite", "<|tool_call|>", "")
        .with { $0.content = [Delimiters("<response>", "</response>")] }
}
