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
        var tokens: [Int32] = []
        var text: [UInt8] = []
        var trusted: [Range<Int>] = []
        for piece in prompt.pieces {
            switch piece {
            case .text(let string, let isTrusted):
                let start = text.count
                text += string.utf8
                guard isTrusted, text.count > start else { continue }
                // A text that is cut in two trusted pieces is still one trusted text.
                if let last = trusted.last, last.upperBound == start {
                    trusted[trusted.count - 1] = last.lowerBound..<text.count
                } else {
                    trusted.append(start..<text.count)
                }
            case .tokens(let ids):
                try append(text, trusted: trusted, to: &tokens)
                text.removeAll()
                trusted.removeAll()
                if let stranger = ids.first(where: { !vocabulary.isValid($0) }) {
                    throw Self.unknownToken(stranger, in: "prompt", count: vocabulary.count)
                }
                tokens += ids
            }
        }
        try append(text, trusted: trusted, to: &tokens)
        if prompt.addsBeginning, vocabulary.addsBeginning, let beginning = vocabulary.beginning,
            tokens.first != beginning
        {
            tokens.insert(beginning, at: 0)
        }
        return tokens
    }

    /// How many tokens a prompt has at least, as can be said without tokenizing it: that takes a while for one which is far
    /// too long, and others wait.
    package func fewestTokens(of prompt: Prompt) -> Int {
        var (byteCount, tokenCount) = (0, 0)
        for piece in prompt.pieces {
            switch piece {
            case .text(let text, _): byteCount += text.utf8.count
            case .tokens(let ids): tokenCount += ids.count
            }
        }
        // Tokens alone are counted in no time.
        guard byteCount > 0, let longest = vocabulary.longestToken else { return 0 }
        return tokenCount + byteCount / longest
    }

    /// The tokens of a prompt that a model is to continue, of which there must be at least one.
    package func tokensToContinue(_ prompt: Prompt) throws(EngineError) -> [Int32] {
        let tokens = try tokens(of: prompt)
        if !tokens.isEmpty { return tokens }
        guard let beginning = vocabulary.beginning else {
            throw EngineError(.invalidRequest, "The prompt is empty, and the model has no token to begin with.")
        }
        return [beginning]
    }

    /// The tokens of a text that is read for its meaning, of which there must be at least one. A text is closed as the
    /// model learned it; a list of tokens is taken as it is.
    package func tokensToEmbed(_ prompt: Prompt) throws(EngineError) -> [Int32] {
        var tokens = try tokens(of: prompt)
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

    private func append(_ text: [UInt8], trusted: [Range<Int>], to tokens: inout [Int32]) throws(EngineError) {
        do {
            try text.withUnsafeBufferPointer { buffer throws(LlamaError) in
                try vocabulary.tokenize(buffer, trusted: trusted, into: &tokens)
            }
        } catch {
            throw EngineError(.invalidRequest, error.message)
        }
    }
}
