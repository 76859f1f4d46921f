extension ChatFormat {
    /// Phi 4 mini.
    static let phi = list("phi", "<|tool_call|>", "<|/tool_call|>")
}
