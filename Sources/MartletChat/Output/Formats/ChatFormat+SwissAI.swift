extension ChatFormat {
    static let apertus = list("apertus", "<|tools_prefix|>", "<|tools_suffix|>", .nameAsKey)
        .with { $0.reasoning = Delimiters("<|inner_prefix|>", "<|inner_suffix|>") }
}
