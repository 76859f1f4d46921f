/// What happened to one generation.
///
/// A life: `admitted`, `started`, any number of `promptProgress` and `promptLogprobs`, `token`…, then one `finished` or
/// `failed`. `failed` and `finished(.cancelled)` may come at any point, also first; `controlled` at any point but the
/// last.
///
/// What is large and rare is kept elsewhere (`indirect`): events are copied on their way, and nearly all are tokens.
package struct EngineEvent: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// The prompt was tokenized and fits; the generation waits for a sequence.
        case admitted(promptTokens: Int)
        /// A sequence was assigned. `cachedTokens` of the prompt are in its memory already.
        case started(slot: Int, cachedTokens: Int)
        indirect case promptProgress(PromptProgress)
        /// The event's `probabilities` are those of the prompt's next tokens, the first of which has number `first`
        /// among those that are told. Their texts are whole UTF-8 characters together. A run that begins anew tells
        /// them anew.
        case promptLogprobs(first: Int)
        /// A token was sampled. `text` is what became certain with it: whole UTF-8 characters only, without anything
        /// that may still turn out to be the beginning of a stop text; so it may be empty or hold text of earlier
        /// tokens.
        case token(id: Int32, text: ArraySlice<UInt8>)
        /// `text` was held back until now (see `token`) and belongs to the answer.
        indirect case finished(GenerationSummary, text: ArraySlice<UInt8>)
        indirect case failed(EngineError)
        /// The result of a command. It stands where the command took effect: before the first token that it concerns.
        indirect case controlled(CommandNumber, ControlResult)
    }
    package var handle: GenerationHandle
    package var kind: Kind
    /// Of `token` and `finished`, where it was asked for: of the tokens whose text became certain with this event. Of
    /// `promptLogprobs`: what it tells.
    /// Tokens of a stop text, which is no part of the answer, are never among them.
    package var probabilities: [TokenProbabilities] = []
    /// Of `token`, where it was asked for.
    package var tokenTimings: TokenTimings?

    package init(_ handle: GenerationHandle, _ kind: Kind) {
        self.handle = handle
        self.kind = kind
    }
}

/// Where a generation stands. A class for its size: few ask for it, and every token has a place for it.
package final class TokenTimings: Sendable, Equatable {
    /// Its sequence.
    package let slot: Int
    /// What it has cost so far.
    package let timings: Timings

    package init(slot: Int, timings: Timings) {
        self.slot = slot
        self.timings = timings
    }

    package static func == (left: TokenTimings, right: TokenTimings) -> Bool {
        left.slot == right.slot && left.timings == right.timings
    }
}

/// How far the prompt of one generation has been read.
package struct PromptProgress: Sendable, Equatable {
    package var total: Int
    package var cached: Int
    /// Cached tokens included.
    package var processed: Int
    /// Since the prompt's first token was read.
    package var elapsed: Duration
    /// The sequence that reads it.
    package var slot = 0

    package init(total: Int, cached: Int, processed: Int, elapsed: Duration) {
        self.total = total
        self.cached = cached
        self.processed = processed
        self.elapsed = elapsed
    }
}

/// Why and how a generation ended.
package struct GenerationSummary: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        /// The model ended its turn.
        case endOfGeneration
        case stopText(String)
        case tokenLimit
        case timeLimit
        /// No room is left in the context.
        case contextFull
        /// A new line was indented less than wanted.
        case indentation
        case cancelled
        /// By an order, with the words of who gave it.
        case stopped(String?)
    }
    package var reason: Reason
    package var timings: Timings
    /// Whether the answer calls tools and all its calls are complete. For whoever splits the answer's text to say: an
    /// engine does not know.
    package var endsInToolCalls = false
    /// The sequence that it had last; `nil` = it never had one.
    package var slot: Int?
    /// Tokens of prompt and answer that are left in memory.
    package var kvCacheTokens = 0
    /// Whether tokens were dropped to make room (see `ContextShift`).
    package var isTruncated = false
    /// Whether the model wrote a line break.
    package var hasLineBreak = false

    package init(reason: Reason, timings: Timings) {
        self.reason = reason
        self.timings = timings
    }
}

/// What a generation cost.
package struct Timings: Sendable, Equatable {
    /// Tokens in the prompt, cached ones included.
    package var promptTokens = 0
    package var cachedTokens = 0
    /// Generated tokens, the one that ended the generation included.
    package var predictedTokens = 0
    /// Of these, how many were thinking; markers do not count where they are tokens of their own.
    package var reasoningTokens = 0
    /// From submission to the assignment of a sequence.
    package var queueTime: Duration = .zero
    /// From there to the first generated token.
    package var promptTime: Duration = .zero
    /// From the first generated token to the last.
    package var predictedTime: Duration = .zero
    /// What choosing the tokens took, the first included.
    package var samplingTime: Duration = .zero
    /// Of that, what asking the grammar took.
    package var grammarTime: Duration = .zero

    package init() {}
}

extension Timings {
    /// Prompt tokens computed per second; `nil` when there were none or no time passed.
    package var promptSpeed: Double? {
        let count = promptTokens - cachedTokens
        return count > 0 && promptTime > .zero ? Double(count) / (promptTime / .seconds(1)) : nil
    }

    /// Tokens per second from the first generated token on; `nil` when there were fewer than two.
    package var decodeSpeed: Double? {
        predictedTokens > 1 && predictedTime > .zero ? Double(predictedTokens - 1) / (predictedTime / .seconds(1)) : nil
    }
}
