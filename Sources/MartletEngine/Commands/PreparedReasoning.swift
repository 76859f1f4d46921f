import MartletProtocol

/// A reasoning rule whose texts have been tokenized.
///
/// Immutable; made on the input processor's thread.
struct PreparedReasoning: Sendable {
    let rule: ReasoningRule
    /// The tokens of the rule's message. They come before the closing tokens unless a command has a message of its own.
    let message: [Int32]
    let closing: [Int32]

    init(_ rule: ReasoningRule, tokenizer: PromptTokenizer) throws(EngineError) {
        self.rule = rule
        message = try tokenizer.tokens(ofMessage: rule.message)
        closing = try tokenizer.tokens(
            of: Prompt(pieces: [.text(rule.closing, isTrusted: true)], addsBeginning: false))
    }
}

extension PromptTokenizer {
    /// Tokenizes text of a client: control tokens in it are not recognised.
    func tokens(ofMessage text: String) throws(EngineError) -> [Int32] {
        try tokens(of: .message(text))
    }
}
