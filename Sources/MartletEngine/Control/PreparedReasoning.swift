import MartletProtocol

/// A rule about thinking whose texts are tokens.
struct PreparedReasoning: Sendable {
    let rule: ReasoningRule
    /// Forced before the closing tokens, unless a command brings its own.
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
    /// The tokens of a client's text, in which no control token counts.
    func tokens(ofMessage text: String) throws(EngineError) -> [Int32] {
        try tokens(of: Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false))
    }
}
