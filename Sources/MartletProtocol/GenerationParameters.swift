/// The part of a generation's request that a client chooses, validated. It has neither a handle nor a prompt.
///
/// Every value is in its range, and nothing depends on a wire format.
package struct GenerationParameters: Sendable, Equatable {
    package var sampling: SamplingParameters
    /// The largest number of tokens to generate; nil = until the context is full. 0 = prefill only.
    package var maximumTokens: Int?
    /// The longest time between the first generated token and the last. The engine checks it at every token.
    package var maximumTime: Duration?
    /// Stop strings. They are not part of the output, and none is empty.
    package var stops: [String]
    /// Whether tokens that end a generation are never sampled.
    package var ignoresEndOfGeneration: Bool
    /// Whether the engine reuses cached tokens of a common prefix.
    package var reusesPrompt: Bool
    /// The rules of the KV cache for the request.
    package var cache = CacheParameters()
    /// Requests with a larger number get a slot sooner; within `RequestPriority.range`.
    package var priority = 0
    /// Whether the engine emits `promptProgress` events, also while the request waits for a slot.
    package var reportsProgress: Bool
    /// Whether the engine emits the logprobs of the prompt's own tokens (`promptLogprobs`). Needs `probabilities`.
    /// The whole prompt is computed then: cached tokens have no logits.
    package var reportsPromptLogprobs = false
    /// Whether each token's event contains timings.
    package var reportsTokenTimings = false
    /// The probabilities in each token's event; nil = none.
    package var probabilities: ProbabilityRequest?
    /// The grammar of the output; nil = any output.
    package var constraint: GenerationConstraint?
    /// The slot that the request waits for, modulo the number of slots; nil = any.
    package var slot: Int?
    /// A line with less indentation ends the output and is not part of it. 0 = no limit.
    package var minimumIndent = 0
    /// The rule for a full context; nil = the generation ends.
    package var contextShift: ContextShift?
    /// The wish for speculative decoding.
    package var speculation = SpeculationParameters()

    /// Makes the parameters of a request that leaves every optional field out.
    package init(
        sampling: SamplingParameters = SamplingParameters(), maximumTokens: Int? = nil, maximumTime: Duration? = nil,
        stops: [String] = [], ignoresEndOfGeneration: Bool = false, reusesPrompt: Bool = true,
        reportsProgress: Bool = false
    ) {
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.maximumTime = maximumTime
        self.stops = stops
        self.ignoresEndOfGeneration = ignoresEndOfGeneration
        self.reusesPrompt = reusesPrompt
        self.reportsProgress = reportsProgress
    }
}
