package import Llama
package import MartletProtocol

/// Turns prompts into tokens. Any thread may use it.
package struct PromptTokenizer: Sendable {
    private let vocabulary: Vocabulary

    package init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    /// The tokens that `prompt` stands for: as they are, without a rule that there must be any.
    ///
    /// Adjoining pieces of text are one text for the tokenizer, in which control tokens count only where all of their
    /// text is trusted.
    package func tokens(of prompt: Prompt) throws(EngineError) -> [Int32] {
        var tokenization = begin(prompt)
        while !tokenization.isFinished { try tokenization.step() }
        return tokenization.tokens
    }

    /// The same in steps.
    package func begin(_ prompt: Prompt) -> PromptTokenization { PromptTokenization(prompt, vocabulary) }

    /// How many tokens a prompt has at least, as can be said without tokenizing it: that takes a while for one which is
    /// far too long, and others wait.
    package func fewestTokens(of prompt: Prompt) -> Int {
        var (byteCount, tokenCount) = (0, 0)
        for piece in prompt.pieces {
            switch piece {
            case .text(let text, _): byteCount += text.utf8.count
            case .tokens(let ids): tokenCount += ids.count
            }
        }
        // Tokens alone are counted in no time.
        guard byteCount > 0, let longest = vocabulary.longestTokenByteCount else { return 0 }
        return tokenCount + byteCount / longest
    }

    /// The tokens of a prompt that a model is to continue, of which there must be at least one.
    package func tokensToContinue(_ prompt: Prompt) throws(EngineError) -> [Int32] {
        try toContinue(tokens(of: prompt))
    }

    /// `tokens` of a prompt, or the token that a text begins with if there are none.
    package func toContinue(_ tokens: [Int32]) throws(EngineError) -> [Int32] {
        if !tokens.isEmpty { return tokens }
        guard let beginning = vocabulary.beginning else {
            throw EngineError(.invalidRequest, "The prompt is empty, and the model has no token to begin with.")
        }
        return [beginning]
    }

    /// The tokens of a text that is read for its meaning, of which there must be at least one. A text is closed as the
    /// model learned it; a list of tokens is taken as it is.
    package func toEmbed(_ tokens: [Int32], of prompt: Prompt) throws(EngineError) -> [Int32] {
        var tokens = tokens
        guard !tokens.isEmpty else {
            throw EngineError(
                .invalidRequest, "An input must have one token or more, but has none.", parameter: "input")
        }
        if prompt.addsBeginning, let closing = vocabulary.closing { tokens.append(closing) }
        return tokens
    }

    package static func unknownToken(_ token: Int32, in field: String, count: Int) -> EngineError {
        EngineError(
            .invalidRequest, "Token \(token) is not in the vocabulary, which has 0 to \(count - 1).", parameter: field)
    }
}
