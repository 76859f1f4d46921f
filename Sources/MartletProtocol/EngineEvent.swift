/// An event of one generation.
///
/// The order is: `admitted`, `promptProgress` with a queue position, `started`, any number of `promptProgress` and
/// `promptLogprobs`, then `token`…, then one `finished` or `failed`. `failed` and `finished(.cancelled)` may come at any point, also first; `controlled` at any
/// point except the last.
///
/// Large and rare payloads are stored separately (`indirect`): events are copied often, and nearly all are tokens.
package struct EngineEvent: Sendable, Equatable {
    /// The kind of an event and its payload.
    package enum Kind: Sendable, Equatable {
        /// The prompt was tokenized and fits the context; the generation waits for a slot.
        case admitted(promptTokens: Int)
        /// A slot was assigned. Its KV cache already has `cachedTokens` of the prompt.
        case started(slot: Int, cachedTokens: Int)
        indirect case promptProgress(PromptProgress)
        /// The logprobs of the next prompt tokens are in the event's `probabilities`; `first` is the number of the
        /// first among all reported ones. Their texts together are whole UTF-8 characters. A run that begins again
        /// reports them again.
        case promptLogprobs(first: Int)
        /// A token was sampled or forced. `text` became certain with it: whole UTF-8 characters that cannot become part
        /// of a stop string. It may be empty, or contain text of earlier tokens.
        case token(id: Int32, text: ArraySlice<UInt8>)
        /// `text` was withheld until now (see `token`) and belongs to the output.
        indirect case finished(GenerationSummary, text: ArraySlice<UInt8>)
        indirect case failed(EngineError)
        /// The result of a command. The event precedes the first token that the command concerns.
        indirect case controlled(CommandNumber, ControlResult)
    }
    package var handle: GenerationHandle
    package var kind: Kind
    /// For `token` and `finished`: the probabilities of the tokens whose text became certain with this event, if the
    /// request asks for them. For `promptLogprobs`: the reported logprobs. Tokens of a stop string are never included.
    package var probabilities: [TokenProbabilities] = []
    /// For `token`: the timings so far, if the request asks for them.
    package var tokenTimings: TokenTimings?

    package init(_ handle: GenerationHandle, _ kind: Kind) {
        self.handle = handle
        self.kind = kind
    }
}

/// The slot and the timings of a generation at one token. It is a class because of its size: few requests ask for it,
/// and every token event has a field for it.
package final class TokenTimings: Sendable, Equatable {
    /// The index of the slot.
    package let slot: Int
    /// The durations and token counts so far.
    package let timings: Timings

    package init(slot: Int, timings: Timings) {
        self.slot = slot
        self.timings = timings
    }

    /// Compares by value.
    package static func == (left: TokenTimings, right: TokenTimings) -> Bool {
        left.slot == right.slot && left.timings == right.timings
    }
}

/// The progress of a prefill, or of the wait for the model before it.
package struct PromptProgress: Sendable, Equatable {
    package var total: Int
    package var cached: Int
    /// The number of computed prompt tokens, including cached ones.
    package var processed: Int
    /// The time since the first prompt token was computed.
    package var elapsed: Duration
    /// The slot that computes the prompt.
    package var slot = 0
    /// The number of generations that get a slot before this one; `nil` if it has a slot. A generation that waits
    /// reports it before `started`, when it is admitted and whenever it changes.
    package var queuePosition: Int?
    /// The wait for the model; `nil` once the engine has the request. The counts are 0 until then.
    package var wait: ModelWait?

    /// The progress of a generation that waits for its model.
    package init(wait: ModelWait) {
        self.init(total: 0, cached: 0, processed: 0, elapsed: .zero)
        self.wait = wait
    }

    package init(total: Int, cached: Int, processed: Int, elapsed: Duration) {
        self.total = total
        self.cached = cached
        self.processed = processed
        self.elapsed = elapsed
    }
}

/// The reason of the end of a generation, and its totals.
package struct GenerationSummary: Sendable, Equatable {
    /// Why a generation ended without an error.
    package enum Reason: Sendable, Equatable {
        /// The model ended its turn.
        case endOfGeneration
        case stopText(String)
        case tokenLimit
        case timeLimit
        /// The context is full.
        case contextFull
        /// A line was indented less than the request requires.
        case indentation
        case cancelled
        /// A control command stopped the generation; the text is the reason that the command gave.
        case stopped(String?)
    }
    package var reason: Reason
    package var timings: Timings
    /// Whether the output calls tools and all of its calls are complete. Set by the output parser; an engine does not
    /// know it.
    package var endsInToolCalls = false
    /// The last slot of the generation; `nil` if it never had one.
    package var slot: Int?
    /// Prompt and output tokens that remain in the KV cache.
    package var kvCacheTokens = 0
    /// Whether a context shift dropped tokens (see `ContextShift`).
    package var isTruncated = false
    /// Whether the output contains a line break.
    package var hasLineBreak = false
    /// Why so many prompt tokens were reused; `nil` unless the request asks for it.
    package var cacheReport: CacheReport?

    package init(reason: Reason, timings: Timings) {
        self.reason = reason
        self.timings = timings
    }
}

/// The token counts and durations of a generation.
package struct Timings: Sendable, Equatable {
    /// Tokens of the prompt, including cached ones.
    package var promptTokens = 0
    package var cachedTokens = 0
    /// The cached tokens that came from the RAM tier and from the disk tier.
    package var restoredTokens = RestoredTokens()
    /// Generated tokens, including the token that ended the generation.
    package var predictedTokens = 0
    /// The number of reasoning tokens among them. A delimiter that is a token of its own does not count.
    package var reasoningTokens = 0
    /// Tokens that were drafted, and those of them that equal the sampled ones.
    package var draftedTokens = 0
    package var acceptedDraftTokens = 0
    /// From submission to the assignment of a slot.
    package var queueTime: Duration = .zero
    /// From there to the first generated token.
    package var promptTime: Duration = .zero
    /// From the first generated token to the last.
    package var predictedTime: Duration = .zero
    /// The time spent on sampling, including the first token.
    package var samplingTime: Duration = .zero
    /// The part of it that the grammar took.
    package var grammarTime: Duration = .zero

    package init() {}
}

/// Prompt tokens that came from a tier below the KV cache.
package struct RestoredTokens: Sendable, Equatable {
    package var ram = 0
    package var disk = 0

    package init() {}
}

extension Timings {
    /// Computed prompt tokens per second; `nil` if there were none or no time passed.
    package var promptSpeed: Double? {
        let count = promptTokens - cachedTokens
        return count > 0 && promptTime > .zero ? Double(count) / (promptTime / .seconds(1)) : nil
    }

    /// Tokens per second from the first generated token on; `nil` if there were fewer than two.
    package var decodeSpeed: Double? {
        predictedTokens > 1 && predictedTime > .zero ? Double(predictedTokens - 1) / (predictedTime / .seconds(1)) : nil
    }
}
