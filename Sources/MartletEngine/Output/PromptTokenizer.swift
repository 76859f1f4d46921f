package import Llama
package import MartletProtocol

/// Converts prompts to tokens of one vocabulary. Any thread may use it.
package struct PromptTokenizer: Sendable {
    private let vocabulary: Vocabulary

    package init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    /// The tokens of `prompt`; may be empty.
    ///
    /// Adjacent pieces of text are one text for the tokenizer. A control token is recognised only if its whole text is
    /// trusted.
    ///
    /// Thread: any, but the time is proportional to the text. The engine uses steps on the input processor's thread.
    package func tokens(of prompt: Prompt) throws(EngineError) -> [Int32] {
        var tokenization = begin(prompt)
        while !tokenization.isFinished { try tokenization.step() }
        return tokenization.tokens
    }

    /// Begins to tokenize a prompt in steps.
    package func begin(_ prompt: Prompt) -> PromptTokenization { PromptTokenization(prompt, vocabulary) }

    /// A lower bound of the number of tokens of a prompt, without tokenizing it. It refuses a prompt that is far too
    /// long before others have to wait for it.
    package func fewestTokens(of prompt: Prompt) -> Int {
        var (byteCount, tokenCount) = (0, 0)
        for piece in prompt.pieces {
            switch piece {
            case .text(let text, _): byteCount += text.utf8.count
            case .tokens(let ids): tokenCount += ids.count
            }
        }
        // Counting tokens is cheap; only texts need an estimate.
        guard byteCount > 0, let longest = vocabulary.longestTokenByteCount else { return 0 }
        return tokenCount + byteCount / longest
    }

    /// The tokens of a prompt that a model continues. At least one token.
    package func tokensToContinue(_ prompt: Prompt) throws(EngineError) -> [Int32] {
        try toContinue(tokens(of: prompt))
    }

    /// Returns `tokens`, or the BOS token of the vocabulary if there are none.
    ///
    /// - Throws: `invalidRequest` if there is no token at all.
    package func toContinue(_ tokens: [Int32]) throws(EngineError) -> [Int32] {
        if !tokens.isEmpty { return tokens }
        guard let beginning = vocabulary.beginning else {
            throw EngineError(.invalidRequest, "The prompt is empty, and the model has no token to begin with.")
        }
        return [beginning]
    }

    /// The tokens of an input for embeddings. At least one token. A text ends with the closing token of the model; a
    /// list of tokens is used unchanged.
    package func toEmbed(_ tokens: [Int32], of prompt: Prompt) throws(EngineError) -> [Int32] {
        var tokens = tokens
        guard !tokens.isEmpty else {
            throw EngineError(
                .invalidRequest, "An input must have one token or more, but has none.", parameter: "input")
        }
        if prompt.addsBeginning, let closing = vocabulary.closing { tokens.append(closing) }
        return tokens
    }

    /// The error for a token id outside the vocabulary. Names the field, the id and the size of the vocabulary.
    package static func unknownToken(_ token: Int32, in field: String, count: Int) -> EngineError {
        EngineError(
            .invalidRequest, "Token \(token) is not in the vocabulary, which has 0 to \(count - 1).", parameter: field)
    }
}
