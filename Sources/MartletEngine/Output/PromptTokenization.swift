package import Llama
package import MartletProtocol

/// A prompt that is tokenized in bounded steps.
///
/// The result equals `PromptTokenizer.tokens(of:)`, regardless of the number of steps. Between two steps the owner may
/// run steps of other prompts, or discard this one.
package struct PromptTokenization: Sendable {
    /// A part of the prompt. Adjacent texts are one text for the tokenizer.
    private enum Part: Sendable {
        /// A text. A control token is recognised only if its whole text lies within `trusted`.
        case text([UInt8], trusted: [Range<Int>])
        case tokens([Int32])
    }

    private let vocabulary: Vocabulary
    private let limits: Vocabulary.StepLimits
    private let addsBeginning: Bool
    private let parts: [Part]
    private var part = 0
    /// The offset of the next step in the text of `part`.
    private var offset = 0
    /// The tokens of the prompt that are known so far.
    package private(set) var tokens: [Int32] = []
    package private(set) var isFinished = false

    package init(_ prompt: Prompt, _ vocabulary: Vocabulary, limits: Vocabulary.StepLimits = .standard) {
        self.vocabulary = vocabulary
        self.limits = limits
        addsBeginning = prompt.addsBeginning
        parts = Self.parts(of: prompt)
    }

    private static func parts(of prompt: Prompt) -> [Part] {
        var parts: [Part] = []
        var text: [UInt8] = []
        var trusted: [Range<Int>] = []
        for piece in prompt.pieces {
            switch piece {
            case .text(let string, let isTrusted):
                let start = text.count
                text += string.utf8
                guard isTrusted, text.count > start else { continue }
                // A trusted text that is split into two pieces is still one trusted text.
                if let last = trusted.last, last.upperBound == start {
                    trusted[trusted.count - 1] = last.lowerBound..<text.count
                } else {
                    trusted.append(start..<text.count)
                }
            case .tokens(let ids):
                if !text.isEmpty { parts.append(.text(text, trusted: trusted)) }
                (text, trusted) = ([], [])
                parts.append(.tokens(ids))
            }
        }
        if !text.isEmpty { parts.append(.text(text, trusted: trusted)) }
        return parts
    }

    /// Tokenizes the next part of the prompt.
    ///
    /// - Returns: the number of bytes that were tokenized.
    @discardableResult
    package mutating func step() throws(EngineError) -> Int {
        guard part < parts.count else {
            finish()
            return 0
        }
        switch parts[part] {
        case .tokens(let ids):
            if let invalidToken = ids.first(where: { !vocabulary.isValid($0) }) {
                throw PromptTokenizer.unknownToken(invalidToken, in: "prompt", count: vocabulary.count)
            }
            tokens += ids
            part += 1
            if part == parts.count { finish() }
            return 0
        case .text(let text, let trusted):
            let (byteCount, next) = try tokenize(text, trusted)
            offset = next
            if offset >= text.count { (part, offset) = (part + 1, 0) }
            if part == parts.count { finish() }
            return byteCount
        }
    }

    private mutating func tokenize(
        _ text: [UInt8], _ trusted: [Range<Int>]
    ) throws(EngineError) -> (byteCount: Int, next: Int) {
        do {
            return try text.withUnsafeBufferPointer { buffer throws(LlamaError) in
                try vocabulary.tokenizeStep(buffer, from: offset, trusted: trusted, limits: limits, into: &tokens)
            }
        } catch {
            throw EngineError(.invalidRequest, error.message)
        }
    }

    private mutating func finish() {
        guard !isFinished else { return }
        isFinished = true
        if addsBeginning, vocabulary.addsBeginning, let beginning = vocabulary.beginning, tokens.first != beginning {
            tokens.insert(beginning, at: 0)
        }
    }
}
