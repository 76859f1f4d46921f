import Llama
import MartletProtocol

/// Tokens that nobody draws: what closes thinking, and what is injected. See design.md, "Orders".
extension EngineLoop {
    /// Does what is due at this place of an answer, before its next token. The answer need not have a sequence.
    func steer(_ generation: Generation) {
        // An earlier run has done what was due, and its tokens say so.
        if generation.isReplaying { return }
        while takeStep(generation) {}
    }

    /// A token was drawn that nobody has been told of yet.
    ///
    /// - Returns: whether something else has to come before it. Then the token is forgotten.
    func obeyBefore(_ token: Int32, _ index: Int) -> Bool {
        guard let generation = slots[index].generation, !generation.orders.injections.isEmpty else { return false }
        let vocabulary = loaded.vocabulary
        let isEnd = vocabulary.attributes(token).contains(.endOfGeneration)
        guard isEnd || isAtCharacterEnd(generation) else { return false }
        let isSentenceEnd = SentenceEnd.isReached(
            by: generation.tail(16, in: vocabulary), before: generation.text(of: token, in: vocabulary))
        let next = generation.orders.injections.firstIndex { injection in
            isEnd || (injection.moment == .sentenceEnd && isSentenceEnd)
        }
        guard let next else { return false }
        let count = generation.history.count
        if inject(generation.orders.injections.remove(at: next), generation) { steer(generation) }
        // What could not be injected holds nobody up.
        return slots[index].generation == nil || generation.history.count > count
    }

    /// - Returns: whether there may be more to do.
    private func takeStep(_ generation: Generation) -> Bool {
        let isThinking = generation.reasoning?.phase == .reasoning
        if !isThinking, !generation.orders.reasoningEnds.isEmpty {
            for order in generation.orders.reasoningEnds {
                output.add(generation.handle, .controlled(order.number, .refused(.alreadyAnswering)))
            }
            generation.orders.reasoningEnds = []
        }
        let isExhausted = generation.reasoning?.isExhausted ?? false
        if isExhausted || !generation.orders.reasoningEnds.isEmpty {
            guard isAtCharacterEnd(generation) else { return false }
            return closeReasoning(generation)
        }
        let due = generation.orders.injections.firstIndex { injection in
            switch injection.moment {
            case .now: true
            case .afterReasoning: !isThinking
            case .sentenceEnd: false
            }
        }
        guard let due, isAtCharacterEnd(generation) else { return false }
        return inject(generation.orders.injections.remove(at: due), generation)
    }

    private func isAtCharacterEnd(_ generation: Generation) -> Bool {
        CharacterEnd.isReached(by: generation.tail(4, in: loaded.vocabulary))
    }

    /// - Returns: whether the generation goes on.
    private func closeReasoning(_ generation: Generation) -> Bool {
        guard let reasoning = generation.request.reasoning else { return false }
        let order = generation.orders.reasoningEnds.isEmpty ? nil : generation.orders.reasoningEnds.removeFirst()
        let tokens = (order?.message ?? reasoning.message) + reasoning.closing
        if let order {
            output.add(
                generation.handle,
                .controlled(
                    order.number, .applied(.reasoningEnded(tokens: tokens.count), token: generation.predicted)))
        }
        return force(tokens, isHidden: false, generation)
    }

    /// - Returns: whether the generation goes on.
    private func inject(_ injection: PendingOrders.Injected, _ generation: Generation) -> Bool {
        var closing: [Int32] = []
        if injection.opensTurn, generation.reasoning?.phase == .reasoning {
            closing = generation.request.reasoning?.closing ?? []
        }
        let count = closing.count + injection.tokens.count
        guard generation.history.count + count < sequenceLimit else {
            output.add(
                generation.handle, .controlled(injection.number, .refused(.contextFull(tokens: count))))
            return true
        }
        output.add(
            generation.handle,
            .controlled(
                injection.number,
                .applied(.injected(opensTurn: injection.opensTurn, tokens: count), token: generation.predicted)))
        generation.announceInjection(of: closing.count, isHidden: false)
        guard force(closing, isHidden: false, generation) else { return false }
        generation.announceInjection(of: injection.tokens.count, isHidden: injection.opensTurn)
        guard force(injection.tokens, isHidden: injection.opensTurn, generation) else { return false }
        if injection.opensTurn { generation.beginTurn() }
        return true
    }

    /// Appends tokens that nobody drew; they are computed with the next decodes, together.
    ///
    /// - Returns: whether the generation goes on.
    private func force(_ tokens: [Int32], isHidden: Bool, _ generation: Generation) -> Bool {
        // Of what closes thinking, a grammar may not want the white space around the marker.
        for token in tokens where isHidden || generation.allows(token) {
            let start = output.bytes.count
            let reason = generation.force(
                token, isHidden: isHidden, at: .now, vocabulary: loaded.vocabulary, contextLength: sequenceLimit,
                into: &output.bytes)
            output.addToken(generation.handle, token, textFrom: start, generation.takeCertainProbabilities())
            // Room is made behind drawn tokens only.
            if let reason = reason ?? (generation.history.count >= sequenceLimit ? .contextFull : nil) {
                end(generation.handle, reason)
                return false
            }
        }
        return true
    }
}
