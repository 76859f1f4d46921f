/// Names one generation between the two sides of the seam. Unique for the life of the side that submits.
package struct GenerationHandle: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A generation, validated: every value is in its range, and nothing in it depends on the wire it came by.
package struct GenerationRequest: Sendable, Equatable {
    package var handle: GenerationHandle
    package var prompt: Prompt
    package var sampling: SamplingParameters
    /// Most tokens to generate; `nil` = until the context is full. 0 = only evaluate the prompt.
    package var maximumTokens: Int?
    /// Most time between the first generated token and the last; checked at every token.
    package var maximumTime: Duration?
    /// Texts that end the generation and are not part of it. None is empty.
    package var stops: [String]
    /// Whether tokens that end a generation are never sampled.
    package var ignoresEndOfGeneration: Bool
    /// Whether a common prefix with what a sequence holds already is reused.
    package var reusesPrompt: Bool
    /// Whether `promptProgress` events are wanted.
    package var reportsProgress: Bool
    /// Whether the probabilities of the prompt's own tokens are told too, as the model has them (`promptLogprobs`).
    /// Needs `probabilities`. Such a prompt is read whole: what other sequences have of it in memory is of no use.
    package var reportsPromptLogprobs = false
    /// Whether each token's event tells where the generation stands.
    package var reportsTokenTimings = false
    /// Texts of control tokens that are part of the answer's text, such as a model's think markers. Other control
    /// tokens have no text.
    package var visibleDelimiters: [String]
    /// What is told of each token's probability; `nil` = nothing.
    package var probabilities: ProbabilityRequest?
    /// What may be generated; `nil` = anything.
    package var constraint: GenerationConstraint?
    /// The index of the token from which that holds, among those behind the prompt.
    package var constraintStart = 0
    /// The sequence that it wants and waits for; `nil` = any. Taken modulo the number of sequences.
    package var slot: Int?
    /// A line that is indented less ends the generation and is no part of it. 0 = none does.
    package var minimumIndent = 0
    /// What happens when the context is full; `nil` = the generation ends.
    package var contextShift: ContextShift?
    /// Which changes of the model's weights are applied. Those that are not named are not.
    package var adapters: [AdapterScale] = []
    /// A generation that was submitted before, with the same prompt, whose work on it is to be shared.
    package var sharedPrefillParent: GenerationHandle?
    /// How the model's thinking is recognised and limited; `nil` where that is not known.
    package var reasoning: ReasoningRule?
    /// Whether it waits for `resume` before it writes: it was paused when it was interrupted.
    package var isPaused = false
    /// Tokens that an earlier run of this generation has written. They follow the prompt and count as generated, for
    /// limits, penalties, draws and timings. Nothing is told of them again: the first `token` event is of the next one.
    package var continuation: [Int32] = []
    /// How long that took, from the first of them to the last.
    package var continuationTime: Duration = .zero
    /// Which of `continuation` opened a new turn: they have no text, and none of them ends the generation. Ascending.
    package var injectedTurns: [Range<Int>] = []

    package init(
        handle: GenerationHandle, prompt: Prompt, sampling: SamplingParameters = SamplingParameters(),
        maximumTokens: Int? = nil, maximumTime: Duration? = nil, stops: [String] = [],
        ignoresEndOfGeneration: Bool = false, reusesPrompt: Bool = true, reportsProgress: Bool = false,
        visibleDelimiters: [String] = []
    ) {
        self.handle = handle
        self.prompt = prompt
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.maximumTime = maximumTime
        self.stops = stops
        self.ignoresEndOfGeneration = ignoresEndOfGeneration
        self.reusesPrompt = reusesPrompt
        self.reportsProgress = reportsProgress
        self.visibleDelimiters = visibleDelimiters
    }
}

/// What is dropped when the context is full, so that an answer goes on.
package struct ContextShift: Sendable, Equatable {
    /// How many tokens of the prompt stay; -1 = all.
    package var keep: Int
    /// How many of the tokens behind them go; 0 = half.
    package var discard: Int

    package init(keep: Int = 0, discard: Int = 0) {
        self.keep = keep
        self.discard = discard
    }
}

/// How strongly one of the model's adapters is applied.
package struct AdapterScale: Sendable, Equatable {
    /// In the order of `ModelInformation.adapters`.
    package var index: Int
    package var scale: Float

    package init(index: Int, scale: Float) {
        self.index = index
        self.scale = scale
    }
}

/// What a model reads before it writes.
package struct Prompt: Sendable, Equatable {
    package enum Piece: Sendable, Equatable {
        /// Text. A control token is recognised only where its whole text is trusted; adjoining text pieces are
        /// otherwise tokenized as one string.
        case text(String, isTrusted: Bool)
        case tokens([Int32])
    }
    package var pieces: [Piece]
    /// Whether the tokens that the vocabulary wants at the beginning (BOS) are added unless they are there already.
    package var addsBeginning: Bool

    package init(pieces: [Piece], addsBeginning: Bool) {
        self.pieces = pieces
        self.addsBeginning = addsBeginning
    }
}
