import Llama
import MartletProtocol

/// Tokens that are not sampled: the tokens that end reasoning, and injected tokens. See design.md, "Control commands".
extension EngineCore {
    /// Applies the commands that are due at this point of the output, before the next token. The sequence need not have
    /// a slot.
    func applyDueCommands(_ sequence: EngineSequence) {
        // An earlier run has applied the commands that were due here, and the known tokens are their result.
        if sequence.isReplaying { return }
        while applyNextDueCommand(sequence) {}
    }

    /// Applies the commands that are due before a token that was sampled and not emitted yet.
    ///
    /// - Returns: whether other tokens were put before `token`. The caller then discards `token`.
    func applyCommandsBefore(_ token: Int32, _ sequence: EngineSequence) -> Bool {
        guard !sequence.pendingCommands.injections.isEmpty else { return false }
        let vocabulary = loaded.vocabulary
        let isEnd = vocabulary.attributes(token).contains(.endOfGeneration)
        guard isEnd || isAtCharacterEnd(sequence) else { return false }
        let isSentenceEnd = SentenceEnd.isReached(
            by: sequence.tail(16, in: vocabulary), before: sequence.text(of: token, in: vocabulary))
        let next = sequence.pendingCommands.injections.firstIndex { injection in
            isEnd || (injection.moment == .sentenceEnd && isSentenceEnd)
        }
        guard let next else { return false }
        let count = sequence.history.count
        if inject(sequence.pendingCommands.injections.remove(at: next), sequence) { applyDueCommands(sequence) }
        // If the injection is impossible, the history is as before, and the sampled token is used.
        return sequence.slot == nil || sequence.history.count > count
    }

    /// Applies at most one due command.
    ///
    /// - Returns: whether another command may be due.
    private func applyNextDueCommand(_ sequence: EngineSequence) -> Bool {
        let isReasoning = sequence.reasoning?.phase == .reasoning
        if !isReasoning, !sequence.pendingCommands.reasoningEnds.isEmpty {
            for command in sequence.pendingCommands.reasoningEnds {
                output.add(sequence.handle, .controlled(command.number, .refused(.reasoningAlreadyEnded)))
            }
            sequence.pendingCommands.reasoningEnds = []
        }
        let isExhausted = sequence.reasoning?.isExhausted ?? false
        if isExhausted || !sequence.pendingCommands.reasoningEnds.isEmpty {
            guard isAtCharacterEnd(sequence) else { return false }
            return closeReasoning(sequence)
        }
        let due = sequence.pendingCommands.injections.firstIndex { injection in
            switch injection.moment {
            case .now: true
            case .afterReasoning: !isReasoning
            case .sentenceEnd: false
            }
        }
        guard let due, isAtCharacterEnd(sequence) else { return false }
        return inject(sequence.pendingCommands.injections.remove(at: due), sequence)
    }

    private func isAtCharacterEnd(_ sequence: EngineSequence) -> Bool {
        CharacterEnd.isReached(by: sequence.tail(4, in: loaded.vocabulary))
    }

    /// Appends the tokens that end reasoning: the message, if there is one, and the closing delimiter.
    ///
    /// - Returns: whether the sequence continues.
    private func closeReasoning(_ sequence: EngineSequence) -> Bool {
        guard let reasoning = sequence.prepared.reasoning else { return false }
        let command =
            sequence.pendingCommands.reasoningEnds.isEmpty ? nil : sequence.pendingCommands.reasoningEnds.removeFirst()
        let tokens = (command?.message ?? reasoning.message) + reasoning.closing
        if let command {
            output.add(
                sequence.handle,
                .controlled(
                    command.number, .applied(.reasoningEnded(tokens: tokens.count), token: sequence.predictedCount)))
        }
        return force(tokens, isHidden: false, sequence)
    }

    /// Appends injected tokens, and emits the result of the injection.
    ///
    /// - Returns: whether the sequence continues.
    private func inject(_ injection: PendingCommands.PendingInjection, _ sequence: EngineSequence) -> Bool {
        var closing: [Int32] = []
        if injection.opensTurn, sequence.reasoning?.phase == .reasoning {
            closing = sequence.prepared.reasoning?.closing ?? []
        }
        let count = closing.count + injection.tokens.count
        guard sequence.history.count + count < sequenceLimit else {
            output.add(
                sequence.handle, .controlled(injection.number, .refused(.contextFull(tokens: count))))
            return true
        }
        output.add(
            sequence.handle,
            .controlled(
                injection.number,
                .applied(.injected(opensTurn: injection.opensTurn, tokens: count), token: sequence.predictedCount)))
        sequence.beginInjection(of: closing.count, isHidden: false)
        guard force(closing, isHidden: false, sequence) else { return false }
        sequence.beginInjection(of: injection.tokens.count, isHidden: injection.opensTurn)
        guard force(injection.tokens, isHidden: injection.opensTurn, sequence) else { return false }
        if injection.opensTurn { sequence.beginTurn() }
        return true
    }

    /// Appends tokens that were not sampled. The next decodes compute them together.
    ///
    /// - Returns: whether the sequence continues.
    private func force(_ tokens: [Int32], isHidden: Bool, _ sequence: EngineSequence) -> Bool {
        // A grammar may forbid the white space around the closing delimiter; these tokens are left out.
        for token in tokens where isHidden || sequence.allows(token) {
            let start = output.bytes.count
            let reason = sequence.force(
                token, isHidden: isHidden, at: .now, vocabulary: loaded.vocabulary, contextLength: sequenceLimit,
                into: &output.bytes)
            output.addToken(sequence.handle, token, textFrom: start, sequence.drainCertainProbabilities())
            // A context shift makes room behind sampled tokens only.
            if let reason = reason ?? (sequence.history.count >= sequenceLimit ? .contextFull : nil) {
                end(sequence.handle, reason)
                return false
            }
        }
        return true
    }
}
