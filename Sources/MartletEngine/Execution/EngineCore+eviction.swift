import Llama
import MartletProtocol

/// Sequences that lose their cells to others. A paused sequence is swapped out and continues later with the same
/// results.
extension EngineCore {
    /// The entries of the KV cache, as the policy of evictions sees them.
    var holders: [PoolPolicy.Holder] {
        kvCache.entries.map { entry in
            let running = entry.slot.flatMap { scheduler.running[$0] }.flatMap { $0.isResting ? nil : $0 }
            return .init(
                index: entry.id.rawValue, tokens: entry.count, time: running?.arrival ?? entry.lastUsed,
                isRunning: running != nil, isPinned: entry.isPinned,
                passedCount: kvCache.computedCount - entry.idleSince)
        }
    }

    /// Makes room in the KV cache.
    func perform(_ action: PoolPolicy.Action) {
        switch action {
        case .clear(let index):
            let entry = KVEntryID(rawValue: index)
            if let slot = kvCache[entry].slot { swapOut(slot) }
            let kept = PoolPolicy.keptCount(
                count: kvCache[entry].count, ownCount: kvCache.ledger.ownCount(of: index), kind: kvCache.kind)
            kvCache.evict(entry, to: kept)
        case .preempt(let index):
            if let sequence = sequence(on: index) { preempt(sequence) }
        case .fail(let index):
            guard let sequence = sequence(on: index) else { return }
            if sequence.predictedCount > 0 {
                finish(sequence, .contextFull)
            } else {
                fail(sequence, EngineError(.generationFailed, "The context has no room for this prompt."))
            }
        }
    }

    /// Moves entries that are idle for long from a unified KV cache to the RAM tier, the least recently used first. Pending
    /// tokens count as if they were computed, so that new prompts get the cells that become free.
    ///
    /// While a sequence generates, a copy takes at most a quarter of `--max-stall-ms`, and after a tenth no further one
    /// begins. Otherwise none begins after the whole of it.
    func moveIdleEntries() {
        guard movesIdleEntries else { return }
        let isGenerating = scheduler.running.contains { $0?.predictedCount ?? 0 > 0 }
        let byteLimit = isGenerating ? kvCache.copies.byteCount(in: maximumStall / 4) : .max
        let (begin, pending) = (MonotonicTime.now, pendingCount)
        var due = holders.filter { mayMove(KVEntryID(rawValue: $0.index)) }
        repeat {
            guard let index = PoolPolicy.idleForLong(due, pending: pending, ownCount: kvCache.ledger.ownCount) else {
                return
            }
            kvCache.moveToRAM(KVEntryID(rawValue: index), byteLimit: byteLimit)
            due.removeAll { $0.index == index }
        } while MonotonicTime.now - begin < (isGenerating ? maximumStall / 10 : maximumStall)
    }

    /// Whether an idle entry may leave the KV cache. Slot actions find the entries that slots show in the KV cache only.
    private func mayMove(_ entry: KVEntryID) -> Bool { slotFiles == nil || !lastEntries.contains(entry) }

    /// The number of tokens that running sequences have not computed.
    private var pendingCount: Int {
        scheduler.running.reduce(0) { sum, sequence in
            guard let sequence, let entry = sequence.entry, sequence.awaited == nil, !sequence.isResting else {
                return sum
            }
            return sum + max(0, sequence.history.count - kvCache[entry].count)
        }
    }

    /// Restores the KV cache after a decode that did not complete, so that the next step can compute the same items
    /// again.
    ///
    /// - Parameter parts: the parts of the batch.
    func recover(from decodeResult: Context.DecodeResult, _ parts: [BatchPart]) {
        switch decodeResult {
        case .done: return
        case .noRoom:
            // Nothing was changed, but libllama found less room than the engine counted. Evict one entry and schedule
            // again.
            guard let action = PoolPolicy.evictOne(holders) else { return }
            if case .preempt(let index) = action {
                sequence(on: index)?.reuse.avoidsTiers = true
                // With a copy of the same cells, the next decode would find no room again.
                holdsAdmission = true
            }
            perform(action)
            return
        case .aborted, .failed:
            for part in parts { kvCache.rollBack(part.entry) }
        }
        guard case .failed(let code) = decodeResult else { return }
        if parts.count > 1 {
            scheduler.suspects = Set(parts.compactMap(\.sequence.slot))
        } else if let part = parts.first {
            fail(part.sequence, EngineError(.generationFailed, "The model could not be computed (code \(code))."))
        }
    }

    private func sequence(on entry: Int) -> EngineSequence? {
        kvCache.entries[entry].slot.flatMap { scheduler.running[$0] }
    }

    /// Drops old items of a sequence that has filled its context, so that it can continue.
    func shift(_ sequence: EngineSequence) {
        guard let entry = sequence.entry else { return }
        guard canShift, let dropped = sequence.dropTokens(contextLength: sequenceLimit) else {
            finish(sequence, .contextFull)
            return
        }
        // Every item except the last sampled one is in the KV cache.
        kvCache.shift(entry, removing: dropped)
    }

    /// Swaps out the sequence that has been paused for longest.
    ///
    /// - Parameter excluded: a slot that is not considered.
    /// - Returns: whether there was a paused sequence in a slot.
    func swapOutOne(except excluded: Int? = nil) -> Bool {
        let paused = scheduler.running.compactMap { $0 }.filter { $0.isResting && $0.slot != excluded }
        let oldest = paused.min { lastUsed($0) < lastUsed($1) }
        guard let slot = oldest?.slot else { return false }
        swapOut(slot)
        return true
    }

    private func lastUsed(_ sequence: EngineSequence) -> UInt64 {
        sequence.entry.map { kvCache[$0].lastUsed } ?? 0
    }

    /// Swaps out the paused sequence of a slot, and saves its KV state if there is memory for it. The entry can still
    /// be reused by other prompts.
    func swapOut(_ slot: Int) {
        guard let sequence = scheduler.running[slot], let entry = release(sequence) else { return }
        if !sequence.isTruncated { saveState(of: sequence, entry) }
        kvCache.retain(entry, history: sequence.isTruncated ? nil : sequence.history, at: stepNumber)
        scheduler.paused.append(sequence)
    }

    private func saveState(of sequence: EngineSequence, _ entry: KVEntryID) {
        guard let bytes = kvCache.save(entry, limit: kvCache.savedStates.limit),
            kvCache.savedStates.makeRoom(for: bytes.count)
        else { return }
        kvCache.savedStates.insert(.init(bytes: bytes, tokenCount: kvCache[entry].count), for: sequence.handle)
    }

    /// Restores the saved KV state of a sequence to an empty entry.
    ///
    /// - Returns: whether it was restored. Otherwise the entry is empty, and all items are computed again.
    func swapIn(_ sequence: EngineSequence, _ entry: KVEntryID) -> Bool {
        guard let state = kvCache.savedStates.remove(sequence.handle), kvCache.context.canSaveStates else {
            return false
        }
        while kvCache.usedCount + state.tokenCount > kvCache.capacity {
            guard let action = PoolPolicy.evictOne(holders), case .clear = action else { return false }
            perform(action)
        }
        guard kvCache.restore(entry, from: state.bytes, count: state.tokenCount) else { return false }
        kvCache.cut(entry, to: state.usableCount)
        return kvCache[entry].count > 0
    }
}
