/// Identifies one generation on both sides of `EngineService`. Unique for the lifetime of the side that submits.
package struct GenerationHandle: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A validated generation: every value is in its range, and no value depends on the dialect of the client.
package struct GenerationRequest: Sendable, Equatable {
    package var handle: GenerationHandle
    package var prompt: Prompt
    /// The part that the client chose.
    package var parameters: GenerationParameters
    /// The owner's keys for the KV cache and for fair shares.
    package var tenant = TenantKeys()
    /// Texts of control tokens that are part of the output's text, such as the reasoning delimiters of a model. Other
    /// control tokens have no text.
    package var visibleDelimiters: [String]
    /// The index among the output tokens from which the constraint applies.
    package var constraintStart = 0
    /// The adapters that are applied, with their scales. Adapters that are not named are not applied.
    package var adapters: [AdapterScale] = []
    /// A generation with the same prompt that was submitted before. Its prefill is shared.
    package var sharedPrefillParent: GenerationHandle?
    /// How the reasoning of the model is recognised and limited; `nil` if its delimiters are unknown.
    package var reasoning: ReasoningRule?
    /// Whether the generation waits for `resume` before it decodes: it was paused when it was interrupted.
    package var isPaused = false
    /// Output tokens of an earlier run of this generation. They follow the prompt and count as generated for limits,
    /// penalties, samples and timings. They are not emitted again: the first `token` event is the next token.
    package var continuation: [Int32] = []
    /// The time from the first to the last of these tokens.
    package var continuationTime: Duration = .zero
    /// The tokens of `continuation` that commands injected. Ascending.
    package var injections: [InjectedTokens] = []

    /// Makes a request of validated parameters.
    package init(
        handle: GenerationHandle, prompt: Prompt, parameters: GenerationParameters, visibleDelimiters: [String] = []
    ) {
        self.handle = handle
        self.prompt = prompt
        self.parameters = parameters
        self.visibleDelimiters = visibleDelimiters
    }

    /// Makes a request from single parameters.
    package init(
        handle: GenerationHandle, prompt: Prompt, sampling: SamplingParameters = SamplingParameters(),
        maximumTokens: Int? = nil, maximumTime: Duration? = nil, stops: [String] = [],
        ignoresEndOfGeneration: Bool = false, reusesPrompt: Bool = true, reportsProgress: Bool = false,
        visibleDelimiters: [String] = []
    ) {
        self.init(
            handle: handle, prompt: prompt,
            parameters: GenerationParameters(
                sampling: sampling, maximumTokens: maximumTokens, maximumTime: maximumTime, stops: stops,
                ignoresEndOfGeneration: ignoresEndOfGeneration, reusesPrompt: reusesPrompt,
                reportsProgress: reportsProgress),
            visibleDelimiters: visibleDelimiters)
    }
}

/// The tokens that are dropped when the context is full, so that the generation continues.
package struct ContextShift: Sendable, Equatable {
    /// The number of leading prompt tokens that are never dropped; -1 = the whole prompt.
    package var keep: Int
    /// The number of tokens behind them that are dropped; 0 = half.
    package var discard: Int

    package init(keep: Int = 0, discard: Int = 0) {
        self.keep = keep
        self.discard = discard
    }
}

/// An adapter of the model and its scale.
package struct AdapterScale: Sendable, Hashable {
    /// The index in `ModelInformation.adapters`.
    package var index: Int
    package var scale: Float

    package init(index: Int, scale: Float) {
        self.index = index
        self.scale = scale
    }
}

/// The input of a model: text and tokens.
package struct Prompt: Sendable, Equatable {
    /// A piece of a prompt.
    package enum Piece: Sendable, Equatable {
        /// Text. A control token is recognised only if its whole text is trusted. Adjacent text pieces are otherwise
        /// tokenized as one string.
        case text(String, isTrusted: Bool)
        case tokens([Int32])
    }
    package var pieces: [Piece]
    /// Whether the BOS token is added where the vocabulary wants one, unless the prompt begins with it.
    package var addsBeginning: Bool
    /// Where messages begin, ascending. Only the KV cache uses them: they do not change the tokens.
    package var boundaries: [PromptBoundary] = []

    package init(pieces: [Piece], addsBeginning: Bool, boundaries: [PromptBoundary] = []) {
        self.pieces = pieces
        self.addsBeginning = addsBeginning
        self.boundaries = boundaries
    }
}
