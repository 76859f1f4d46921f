/// The result of a command. Every command has exactly one, unless the generation ends before.
package enum ControlResult: Sendable, Equatable {
    /// The command took effect. `token` is the index of the first output token that it concerns.
    case applied(AppliedCommand, token: Int)
    /// The command changed nothing.
    case refused(ControlRefusal)
    case status(GenerationReport)
}

/// The effect of an applied command.
package enum AppliedCommand: Sendable, Equatable {
    /// The next `tokens` tokens are forced.
    case reasoningEnded(tokens: Int)
    /// The terminal event follows.
    case stopped(reason: String?)
    case paused
    case resumed
    case changed(SettingsChange, old: AdjustableSettings)
    /// The next `tokens` tokens are injected; those of a new turn have no text.
    case injected(opensTurn: Bool, tokens: Int)
    /// All output tokens from the index on were removed.
    case rewound
    case forked([GenerationHandle])
}

/// The reason of a refusal.
package enum ControlRefusal: Error, Sendable, Equatable {
    /// Reasoning has not begun.
    case notReasoning
    /// Reasoning has ended.
    case reasoningAlreadyEnded
    /// The delimiters of this model's reasoning are unknown.
    case noReasoningDelimiters
    /// The generation waits for a slot, or its prompt is in prefill.
    case notStarted
    case notPaused
    case alreadyPaused
    /// The context has no room for so many tokens.
    case contextFull(tokens: Int)
    /// The generation has the largest number of pending injections.
    case tooManyInjections(limit: Int)
    /// The output has only so many tokens.
    case beyondEnd(tokens: Int)
    case textNotFound
    /// A context shift dropped tokens, so an earlier state cannot be restored.
    case truncated
    /// The output follows a grammar, which injected text would violate.
    case constrained
    /// The fork needs more slots than are idle.
    case noFreeSequence(idle: Int)
    /// The command itself is invalid. One sentence that names the rule and the value.
    case invalid(String)
}

/// The state of one generation.
package struct GenerationReport: Sendable, Equatable {
    /// The part of its run that a generation is in.
    package enum Phase: UInt8, Sendable, CaseIterable {
        /// The generation waits for the model or for a slot.
        case queued = 0
        /// The engine computes the prompt.
        case prompt = 1
        case reasoning = 2
        /// The model writes content or tool calls.
        case content = 3
    }
    package var phase = Phase.queued
    package var isPaused = false
    /// The number of generations before it in the queue; `nil` if it does not wait for a slot.
    package var position: Int?
    package var promptTokens = 0
    package var promptTokensProcessed = 0
    package var cachedTokens = 0
    package var predictedTokens = 0
    package var reasoningTokens = 0
    package var reasoningBudget: Int?
    /// Prompt and output tokens in the KV cache of the slot.
    package var kvCacheTokens = 0
    /// Prompt and output tokens whose KV state is saved outside the context until the generation has a slot again.
    package var swappedOutTokens = 0
    /// From the first generated token to the last.
    package var predictedTime: Duration = .zero

    package init() {}
}
