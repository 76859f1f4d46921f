import Llama
import MartletProtocol

/// Tokens that nobody draws: what closes thinking, and what is injected. See design.md, "Commands".
extension EngineLoop {
    /// Does what is due at this place of an answer, before its next token. The answer need not have a slot.
    func applyDueCommands(_ sequence: EngineSequence) {
        // An earlier run has done what was due, and its tokens say so.
        if sequence.isReplaying { return }
        while applyNextDueCommand(sequence) {}
    }

    /// A token was sampled that nobody has been told of yet.
    ///
    /// - Returns: whether something else has to come before it. Then the token is forgotten.
    func applyCommandsBefore(_ token: Int32, _ index: Int) -> Bool {
        guard let sequence = slots[index].sequence, !sequence.pendingCommands.injections.isEmpty else { return false }
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
        // What could not be injected holds nobody up.
        return slots[index].sequence == nil || sequence.history.count > count
    }

    /// - Returns: whether there may be more to do.
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

    /// - Returns: whether the sequence goes on.
    private func closeReasoning(_ sequence: EngineSequence) -> Bool {
        guard let reasoning = sequence.request.reasoning else { return false }
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

    /// - Returns: whether the sequence goes on.
    private func inject(_ injection: PendingCommands.PendingInjection, _ sequence: EngineSequence) -> Bool {
        var closing: [Int32] = []
        if injection.opensTurn, sequence.reasoning?.phase == .reasoning {
            closing = sequence.request.reasoning?.closing ?? []
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

    /// Appends tokens that nobody drew; they are computed with the next decodes, together.
    ///
    /// - Returns: whether the sequence goes on.
    private func force(_ tokens: [Int32], isHidden: Bool, _ sequence: EngineSequence) -> Bool {
        // Of what closes thinking, a grammar may not want the white space around the marker.
        for token in tokens where isHidden || sequence.allows(token) {
            let start = output.bytes.count
            let reason = sequence.force(
                token, isHidden: isHidden, at: .now, vocabulary: loaded.vocabulary, contextLength: sequenceLimit,
                into: &output.bytes)
            output.addToken(sequence.handle, token, textFrom: start, sequence.drainCertainProbabilities())
            // Room is made behind sampled tokens only.
            if let reason = reason ?? (sequence.history.count >= sequenceLimit ? .contextFull : nil) {
                end(sequence.handle, reason)
                return false
            }
        }
        return true
    }
}
