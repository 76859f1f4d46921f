import Llama
import MartletProtocol

/// Creates generations that continue from all tokens of a sequence. Each fork needs a slot at once.
struct ForkCommand: EngineCommand {
    static let requirement = CommandRequirement.begunSequence

    let forks: [ForkedGeneration]
    /// The tokens of the forks' changes, one for each fork, or why there are none.
    let changes: Result<[ResolvedChange], EngineError>

    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) -> [ResolvedChange] {
        guard target.sequence.predictedCount > 0 else { throw .notStarted }
        guard engine.scheduler.waiting.count == 0 else { throw .noFreeSequence(idle: 0) }
        // Slots of paused sequences count, if that makes enough: `apply` swaps these sequences out.
        let slots = engine.scheduler.running.indices
        guard slots.count(where: { $0 != target.sequence.slot && !engine.scheduler.isBusy($0) }) >= forks.count else {
            throw .noFreeSequence(idle: engine.scheduler.freeSlotCount)
        }
        let changesReasoning = forks.contains { $0.changes.keys.contains(.reasoningBudget) }
        if changesReasoning, target.sequence.reasoning == nil { throw .noReasoningDelimiters }
        return try ControlRefusal.wrapping { () throws(EngineError) -> [ResolvedChange] in try changes.get() }
    }

    func apply(_ changes: [ResolvedChange], to target: CommandTarget, in engine: EngineCore) {
        let sequences = zip(forks, changes).map { copy(of: target.sequence, as: $0, $1, engine) }
        while engine.scheduler.freeSlotCount < forks.count, engine.swapOutOne(except: target.sequence.slot) {}
        engine.reportApplied(.forked(forks.map(\.handle)), to: target)
        for sequence in sequences {
            if let entry = target.entry {
                begin(sequence, sharing: entry, engine)
            } else {
                begin(sequence, restoring: target.sequence, engine)
            }
        }
    }

    /// Creates the sequence of a fork with the fork's changes of settings.
    private func copy(
        of original: EngineSequence, as fork: ForkedGeneration, _ resolved: ResolvedChange, _ engine: EngineCore
    ) -> EngineSequence {
        let sequence = EngineSequence(
            forking: original, handle: fork.handle, arrival: engine.nextArrival(), at: .now,
            matcher: engine.newMatcher(for: original.constraint))
        sequence.change(fork.changes, resolved)
        if sequence.settings.sampling != original.settings.sampling {
            sequence.sampler = sequence.samplingTokens.sampler(
                for: sequence.settings.sampling, vocabularySize: engine.loaded.vocabulary.count)
        }
        return sequence
    }

    /// Gives a slot to a fork, and shares the KV cache of the original with it.
    private func begin(_ sequence: EngineSequence, sharing source: KVEntryID, _ engine: EngineCore) {
        guard let entry = ReusePolicy.victim(engine.reuseHolders), let slot = engine.freeSlot(for: entry) else {
            return
        }
        let id = KVEntryID(rawValue: entry)
        engine.kvCache.evict(id)
        engine.kvCache.copy(source, to: id, count: engine.kvCache[source].count)
        engine.place(sequence, in: slot, id)
        reportHistory(sequence, in: slot, engine)
    }

    /// Gives a slot to a fork, and restores the saved KV state of the original, if there is one. The rest is computed
    /// again.
    private func begin(_ sequence: EngineSequence, restoring original: EngineSequence, _ engine: EngineCore) {
        engine.kvCache.savedStates.copyState(of: original.handle, to: sequence.handle)
        guard let plan = engine.plan(for: sequence), let slot = engine.freeSlot(for: plan.entry) else { return }
        engine.assign(sequence, to: slot, plan)
        reportHistory(sequence, in: slot, engine)
    }

    /// Emits to the readers of a fork the events that the readers of the original have received.
    private func reportHistory(_ sequence: EngineSequence, in index: Int, _ engine: EngineCore) {
        engine.output.add(sequence.handle, .admitted(promptTokens: sequence.promptCount))
        engine.output.add(sequence.handle, .started(slot: index, cachedTokens: sequence.promptCount))
        for token in 0..<sequence.predictedCount {
            let start = engine.output.bytes.count
            engine.output.bytes += sequence.record.text(of: token)
            let known = sequence.record.probabilities[token].map { [$0] } ?? []
            engine.output.addToken(sequence.handle, sequence.record.token(token), textFrom: start, known)
        }
        engine.applyDueCommands(sequence)
    }
}
