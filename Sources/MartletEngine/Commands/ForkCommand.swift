import MartletProtocol

/// Creates generations that continue from all tokens of a sequence. Each fork needs a slot at once.
struct ForkCommand: EngineCommand {
    static let requirement = CommandRequirement.begunSequence

    let forks: [ForkedGeneration]

    func validate(_ target: CommandTarget, in loop: EngineLoop) throws(ControlRefusal) {
        guard target.sequence.predictedCount > 0 else { throw .notStarted }
        guard loop.queue.count == 0 else { throw .noFreeSequence(idle: 0) }
        // Slots of paused sequences count, if that makes enough: `apply` swaps these sequences out.
        guard loop.slots.count(where: { $0.index != target.slot && !$0.isBusy }) >= forks.count else {
            throw .noFreeSequence(idle: loop.slots.count { $0.sequence == nil })
        }
        let changesReasoning = forks.contains { $0.changes.keys.contains(.reasoningBudget) }
        if changesReasoning, target.sequence.reasoning == nil { throw .noReasoningDelimiters }
    }

    func apply(_ plan: Void, to target: CommandTarget, in loop: EngineLoop) throws(ControlRefusal) {
        let sequences = try ControlRefusal.wrapping { () throws(EngineError) -> [EngineSequence] in
            try forks.map { fork throws(EngineError) in try copy(of: target.sequence, as: fork, loop) }
        }
        while loop.slots.count(where: { $0.sequence == nil }) < forks.count, loop.swapOutOne(except: target.slot) {}
        loop.reportApplied(.forked(forks.map(\.handle)), to: target)
        for sequence in sequences {
            if let slot = target.slot {
                begin(sequence, sharing: slot, loop)
            } else {
                begin(sequence, restoring: target.sequence, loop)
            }
        }
    }

    /// Creates the sequence of a fork with the fork's changes of settings.
    private func copy(
        of original: EngineSequence, as fork: ForkedGeneration, _ loop: EngineLoop
    ) throws(EngineError) -> EngineSequence {
        loop.arrivals += 1
        let sequence = EngineSequence(
            forking: original, handle: fork.handle, arrival: loop.arrivals, at: .now,
            matcher: loop.newMatcher(for: original.constraint))
        sequence.change(fork.changes)
        if sequence.settings.sampling != original.settings.sampling {
            sequence.sampler = try loop.loaded.sampler(
                for: sequence.settings.sampling,
                ignoringEndOfGeneration: original.request.ignoresEndOfGeneration)
        }
        return sequence
    }

    /// Assigns a slot to a fork and shares the KV cache of the original's slot with it.
    private func begin(_ sequence: EngineSequence, sharing source: Int, _ loop: EngineLoop) {
        // Empty slots come first, then the slots whose KV cache is the least likely to be reused.
        let idle = loop.slots.filter { $0.sequence == nil }
            .min { ($0.cachedTokenCount > 0 ? 1 : 0, $0.lastUsed) < ($1.cachedTokenCount > 0 ? 1 : 0, $1.lastUsed) }
        guard let index = idle?.index else { return }
        loop.copy(from: source, to: index)
        loop.slots[index].adapters = loop.slots[source].adapters
        loop.slots[index].sequence = sequence
        loop.slots[index].lastUsed = loop.stepNumber
        reportHistory(sequence, in: index, loop)
    }

    /// Assigns a slot to a fork and restores the swapped-out KV state of the original, if there is one. The rest is
    /// computed again.
    private func begin(_ sequence: EngineSequence, restoring original: EngineSequence, _ loop: EngineLoop) {
        loop.stateCache.copyState(of: original.handle, to: sequence.handle)
        guard let choice = loop.choose(for: sequence, slot: nil) else { return }
        loop.assign(sequence, to: choice)
        reportHistory(sequence, in: choice.index, loop)
    }

    /// Emits to the readers of a fork the events that the readers of the original have received.
    private func reportHistory(_ sequence: EngineSequence, in index: Int, _ loop: EngineLoop) {
        loop.output.add(sequence.handle, .admitted(promptTokens: sequence.promptCount))
        loop.output.add(sequence.handle, .started(slot: index, cachedTokens: sequence.promptCount))
        for token in 0..<sequence.predictedCount {
            let start = loop.output.bytes.count
            loop.output.bytes += sequence.record.text(of: token)
            let known = sequence.record.probabilities[token].map { [$0] } ?? []
            loop.output.addToken(sequence.handle, sequence.record.token(token), textFrom: start, known)
        }
        loop.applyDueCommands(sequence)
    }
}
