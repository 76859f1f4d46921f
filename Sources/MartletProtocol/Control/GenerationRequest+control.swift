extension GenerationRequest {
    /// Takes in what an engine told of the generation, so that an engine that gets this request goes on from there.
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
            // An order says what is left of the turn, too.
            if change.keys.contains(.reasoningBudget) { reasoning?.turnBudget = nil }
        case .injected(let opensTurn, let count):
            maximumTokens = maximumTokens.map { $0 + count }
            if opensTurn { injectedTurns.append(token..<token + count) }
        case .rewound:
            continuation.removeLast(max(0, continuation.count - token))
            constraintStart = min(constraintStart, token)
            for turn in injectedTurns where turn.lowerBound >= token {
                maximumTokens = maximumTokens.map { $0 - turn.count }
            }
            injectedTurns.removeAll { $0.lowerBound >= token }
        case .reasoningEnded, .stopped, .forked: break
        }
    }

    /// The request of a fork, whose engine tells all tokens again.
    package func forked(as fork: ForkedGeneration) -> GenerationRequest {
        var request = self
        request.handle = fork.handle
        request.continuation = []
        request.isPaused = false
        request.settings.apply(fork.changes)
        return request
    }
}
