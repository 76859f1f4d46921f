import MartletProtocol

extension EngineLoop {
    /// Creates generations that continue from the tokens of `original`.
    ///
    /// - Parameter index: the slot of the original; `nil` if it is swapped out.
    func fork(
        _ index: Int?, _ original: EngineSequence, _ forks: [ForkedGeneration], _ number: CommandNumber
    ) throws(EngineError) {
        func refuse(_ refusal: ControlRefusal) {
            output.add(original.handle, .controlled(number, .refused(refusal)))
        }
        guard original.predictedCount > 0 else { return refuse(.notStarted) }
        // Paused sequences are swapped out if that frees enough slots for the forks.
        if queue.count == 0, slots.count(where: { $0.index != index && !$0.isBusy }) >= forks.count {
            while slots.count(where: { $0.sequence == nil }) < forks.count, swapOutOne(except: index) {}
        }
        let idleCount = slots.count { $0.sequence == nil }
        guard idleCount >= forks.count, queue.count == 0 else {
            return refuse(.noFreeSequence(idle: queue.count > 0 ? 0 : idleCount))
        }
        var made: [EngineSequence] = []
        for fork in forks {
            guard let sequence = try copy(of: original, as: fork) else { return refuse(.noReasoningDelimiters) }
            made.append(sequence)
        }
        output.add(
            original.handle,
            .controlled(number, .applied(.forked(forks.map(\.handle)), token: original.predictedCount)))
        for sequence in made {
            if let index { begin(sequence, besides: index) } else { begin(sequence, besides: original) }
        }
    }

    /// Creates the sequence of a fork with the fork's changes of settings.
    ///
    /// - Returns: `nil` if the changes concern reasoning, and the delimiters of reasoning are unknown.
    private func copy(of original: EngineSequence, as fork: ForkedGeneration) throws(EngineError) -> EngineSequence? {
        if fork.changes.keys.contains(.reasoningBudget), original.reasoning == nil { return nil }
        arrivals += 1
        let sequence = EngineSequence(
            forking: original, handle: fork.handle, arrival: arrivals, at: .now,
            matcher: newMatcher(for: original.constraint))
        sequence.change(fork.changes)
        if sequence.settings.sampling != original.settings.sampling {
            sequence.sampler = try loaded.sampler(
                for: sequence.settings.sampling,
                ignoringEndOfGeneration: original.request.ignoresEndOfGeneration)
        }
        return sequence
    }

    /// Assigns a slot to a fork and shares the KV cache of the original's slot with it.
    private func begin(_ sequence: EngineSequence, besides source: Int) {
        // Empty slots come first, then the slots whose KV cache is the least likely to be reused.
        let idle = slots.filter { $0.sequence == nil }
            .min { ($0.cachedTokenCount > 0 ? 1 : 0, $0.lastUsed) < ($1.cachedTokenCount > 0 ? 1 : 0, $1.lastUsed) }
        guard let index = idle?.index else { return }
        copy(from: source, to: index)
        slots[index].adapters = slots[source].adapters
        slots[index].sequence = sequence
        slots[index].lastUsed = stepNumber
        reportHistory(sequence, in: index)
    }

    /// Assigns a slot to a fork and restores the swapped-out KV state of the original, if there is one. The rest is
    /// computed again.
    private func begin(_ sequence: EngineSequence, besides original: EngineSequence) {
        stateCache.copyState(of: original.handle, to: sequence.handle)
        guard let choice = choose(for: sequence, slot: nil) else { return }
        assign(sequence, to: choice)
        reportHistory(sequence, in: choice.index)
    }

    /// Emits to the readers of a fork the events that the readers of the original have received.
    private func reportHistory(_ sequence: EngineSequence, in index: Int) {
        output.add(sequence.handle, .admitted(promptTokens: sequence.promptCount))
        output.add(sequence.handle, .started(slot: index, cachedTokens: sequence.promptCount))
        for token in 0..<sequence.predictedCount {
            let start = output.bytes.count
            output.bytes += sequence.record.text(of: token)
            let known = sequence.record.probabilities[token].map { [$0] } ?? []
            output.addToken(
                sequence.handle, sequence.record.token(token), textFrom: start, known)
        }
        applyDueCommands(sequence)
    }
}
