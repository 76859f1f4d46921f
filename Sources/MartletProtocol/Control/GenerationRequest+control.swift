extension GenerationRequest {
    /// Applies an event of the generation to its request. An engine that receives this request continues behind the
    /// event.
    package mutating func apply(_ event: EngineEvent.Kind) {
        switch event {
        case .token(let id, _): continuation.append(id)
        case .controlled(_, .applied(let command, let token)): apply(command, at: token)
        default: break
        }
    }

    private mutating func apply(_ command: AppliedCommand, at token: Int) {
        switch command {
        case .paused: isPaused = true
        case .resumed: isPaused = false
        case .changed(let change, _):
            settings.apply(change)
            // A command to set the reasoning budget also replaces the budget of the turn.
            if change.keys.contains(.reasoningBudget) { reasoning?.turnBudget = nil }
        case .injected(let opensTurn, let count):
            parameters.maximumTokens = parameters.maximumTokens.map { $0 + count }
            if count > 0 { injections.append(InjectedTokens(token..<token + count, opensTurn: opensTurn)) }
        case .rewound:
            continuation.removeLast(max(0, continuation.count - token))
            constraintStart = min(constraintStart, token)
            let injected = injections.tokenCount
            injections.cut(to: token)
            parameters.maximumTokens = parameters.maximumTokens.map { $0 - injected + injections.tokenCount }
        case .reasoningEnded, .stopped, .forked: break
        }
    }

    /// The request of a fork. Its engine emits all tokens again.
    package func forked(as fork: ForkedGeneration) -> GenerationRequest {
        var request = self
        request.handle = fork.handle
        request.continuation = []
        request.isPaused = false
        request.settings.apply(fork.changes)
        return request
    }
}
