/// The result of a command. There is one for every command, unless the generation's end comes first.
package enum ControlResult: Sendable, Equatable {
    /// The command took effect. `token` is the index, among the tokens behind the prompt, of the first one that it
    /// concerns.
    case applied(AppliedCommand, token: Int)
    /// Nothing was changed.
    case refused(ControlRefusal)
    case status(GenerationReport)
}

/// What an applied command has changed.
package enum AppliedCommand: Sendable, Equatable {
    /// The next `tokens` tokens are forced.
    case reasoningEnded(tokens: Int)
    /// The generation's end follows.
    case stopped(reason: String?)
    case paused
    case resumed
    case changed(SettingsChange, old: AdjustableSettings)
    /// The next `tokens` tokens are injected; those of a new turn have no text.
    case injected(opensTurn: Bool, tokens: Int)
    /// All tokens from the index on are forgotten.
    case rewound
    case forked([GenerationHandle])
}

/// Why a command was refused.
package enum ControlRefusal: Sendable, Equatable {
    /// The model has not begun to think.
    case notReasoning
    /// It thinks no more.
    case reasoningAlreadyEnded
    /// It is not known how this model marks its thinking.
    case noReasoningDelimiters
    /// The generation still waits for a sequence, or its prompt is being read.
    case notStarted
    case notPaused
    case alreadyPaused
    /// So many tokens are too many for what is left of the context.
    case contextFull(tokens: Int)
    /// So many injections wait for their moment already.
    case tooManyInjections(limit: Int)
    /// The answer has only so many tokens.
    case beyondEnd(tokens: Int)
    case textNotFound
    /// Tokens were dropped when the context was full, so what was there cannot be gone back to.
    case truncated
    /// The answer follows a grammar, which foreign text would break.
    case constrained
    /// Only so many sequences are idle.
    case noFreeSequence(idle: Int)
    /// The order itself is at fault. One sentence that names the rule and the value.
    case invalid(String)
}

/// What one generation does.
package struct GenerationReport: Sendable, Equatable {
    package enum Phase: UInt8, Sendable, CaseIterable {
        /// It waits for the model or for a sequence.
        case queued = 0
        case prompt = 1
        case reasoning = 2
        case answering = 3
    }
    package var phase = Phase.queued
    package var isPaused = false
    /// Generations before it in the queue, while it waits for a sequence.
    package var position: Int?
    package var promptTokens = 0
    package var promptTokensProcessed = 0
    package var cachedTokens = 0
    package var predictedTokens = 0
    package var reasoningTokens = 0
    package var reasoningBudget: Int?
    /// Tokens of prompt and answer in the sequence's memory.
    package var kvCacheTokens = 0
    /// Tokens of prompt and answer that were in the sequence's memory, and are kept elsewhere until it has one again.
    package var swappedOutTokens = 0
    /// From the first generated token to the last.
    package var predictedTime: Duration = .zero

    package init() {}
}
