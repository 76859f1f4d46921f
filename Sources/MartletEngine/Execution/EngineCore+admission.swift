import Llama
import MartletProtocol

extension EngineCore {
    /// Gives slots and entries of the KV cache to waiting sequences, in order of arrival, while there is room.
    func admit() {
        while let admission = scheduler.nextAdmission(capacity: kvCache.capacity) {
            if let slot = admission.slot, scheduler.running[slot] != nil {
                swapOut(slot)
            } else if scheduler.freeSlotCount == 0 {
                _ = swapOutOne()
            }
            guard let choice = choose(for: scheduler.waiting[admission.position], slot: admission.slot) else { return }
            assign(scheduler.waiting.remove(at: admission.position), to: choice)
        }
    }

    /// Chooses a slot for a sequence, and the cached items that it reuses.
    ///
    /// - Parameter wanted: the only slot that is allowed; `nil` = any.
    /// - Returns: `nil` if no allowed slot is free.
    func choose(for sequence: EngineSequence, slot wanted: Int?) -> SlotPolicy.Choice? {
        var holders: [SlotPolicy.Holder] = []
        for entry in kvCache.entries {
            let isIdle = entry.slot == nil && (wanted == nil || wanted == entry.id.rawValue)
            // An entry that was computed with other adapters cannot be reused.
            let items = entry.key == sequence.prefixKey ? reusableItems(of: entry) : []
            guard isIdle || (!items.isEmpty && canCopy) else { continue }
            holders.append(
                .init(index: entry.id.rawValue, tokens: items, lastUsed: entry.lastUsed, isIdle: isIdle))
        }
        return SlotPolicy.choose(
            for: sequence.history, among: holders,
            reuses: sequence.request.reusesPrompt && !sequence.needsPromptLogprobs && prefillParent(of: sequence) == nil
                && kvCache.savedStates.tokenCount(of: sequence.handle) == 0)
    }

    /// The computed items of an entry that a new prompt may reuse; empty after a context shift, because the cached
    /// values then depend on dropped items.
    private func reusableItems(of entry: KVEntry) -> ArraySlice<Int32> {
        guard let slot = entry.slot else { return entry.items[...] }
        guard let sequence = scheduler.running[slot], !sequence.isTruncated else { return [] }
        return sequence.history.prefix(entry.count)
    }

    /// Whether a part of an entry can be copied to another one. A recurrent state cannot be cut.
    private var canCopy: Bool { kvCache.kind != .recurrent }

    /// The running sequence that computes the same prompt for another choice of the same request.
    private func prefillParent(of sequence: EngineSequence) -> EngineSequence? {
        guard canCopy, sequence.predictedCount == 0, !sequence.needsPromptLogprobs,
            let handle = sequence.request.sharedPrefillParent,
            let parent = scheduler.runningSequence(handle), parent.predictedCount == 0, !parent.isPaused,
            parent.promptCount == sequence.promptCount
        else { return nil }
        return parent
    }

    /// Puts a sequence into a slot: copies, cuts or restores its entry, then begins the sequence or lets it wait for
    /// its prefill parent.
    func assign(_ sequence: EngineSequence, to choice: SlotPolicy.Choice) {
        let entry = KVEntryID(rawValue: choice.index)
        let prefillParent = prefillParent(of: sequence)
        sequence.awaitedParent = nil
        if let source = choice.source {
            kvCache.copy(KVEntryID(rawValue: source), to: entry)
        } else if kvCache[entry].key != sequence.prefixKey {
            kvCache.clear(entry)
        }
        // An entry that cannot be cut is reused as a whole or not at all.
        kvCache.cut(entry, to: prefillParent == nil ? reusable(choice.reusable, of: sequence) : 0)
        if kvCache[entry].count == 0 { _ = swapIn(sequence, entry) }
        place(sequence, in: choice.index, entry)
        if let prefillParent {
            sequence.awaitedParent = prefillParent.handle
        } else {
            begin(sequence)
        }
    }

    /// Lets a sequence run in a slot on an entry.
    func place(_ sequence: EngineSequence, in slot: Int, _ entry: KVEntryID) {
        kvCache.claim(entry, slot: slot, key: sequence.prefixKey, at: stepNumber)
        scheduler.running[slot] = sequence
        sequence.slot = slot
        sequence.entry = entry
        lastEntries[slot] = entry
    }

    /// How many of `count` cached items are reused, so that the results of the other items stay the same.
    private func reusable(_ count: Int, of sequence: EngineSequence) -> Int {
        kvCache.kind.canCutAnywhere
            ? scheduler.planner.shape.reusable(count, promptCount: sequence.promptLength) : count
    }

    /// Emits that a sequence runs. A sequence that was preempted has emitted it before.
    private func begin(_ sequence: EngineSequence) {
        guard let slot = sequence.slot, let entry = sequence.entry, sequence.started == nil else {
            return applyWaitingCommands(sequence)
        }
        let now = MonotonicTime.now
        let cached = min(kvCache[entry].count, sequence.promptCount)
        sequence.start(cachedTokens: cached, at: now)
        board.update { $0.counters.cachedTokens += UInt64(cached) }
        output.add(sequence.handle, .started(slot: slot, cachedTokens: cached))
        reportProgress(of: sequence, now: now)
        // The prompt may end within reasoning although the reasoning budget is 0.
        if !sequence.isAtTokenLimit { applyDueCommands(sequence) }
        applyWaitingCommands(sequence)
    }

    /// Resumes sequences whose prefill parent has completed its prompt, is paused, or has ended.
    func releaseSiblings() {
        for case let sequence? in scheduler.running {
            guard let awaitedParent = sequence.awaitedParent, let entry = sequence.entry else { continue }
            if let parent = scheduler.runningSequence(awaitedParent), !parent.isResting, parent.predictedCount == 0 {
                continue
            }
            sequence.awaitedParent = nil
            let best = kvCache.entries.filter { $0.id != entry && $0.key == kvCache[entry].key }
                .map { (id: $0.id, count: SlotPolicy.commonPrefix(reusableItems(of: $0), sequence.history[...])) }
                .max { $0.count < $1.count }
            if let best, best.count >= SlotPolicy.copyGain {
                kvCache.copy(best.id, to: entry)
                kvCache.cut(entry, to: reusable(min(best.count, sequence.history.count - 1), of: sequence))
            }
            begin(sequence)
        }
    }
}
