import Llama
import MartletProtocol
import MartletStateFiles

/// Prefixes that move between the KV cache and the tiers.
extension EngineCore {
    /// The prefix of a tier that a waiting sequence continues, if it is much longer than what the KV cache has.
    ///
    /// - Parameter reusable: the items that the KV cache has.
    func tierHit(for sequence: EngineSequence, beyond reusable: Int) -> PrefixTiers.Hit? {
        guard kvCache.tiers.isActive, sequence.request.parameters.reusesPrompt, !sequence.needsPromptLogprobs,
            !sequence.reuse.avoidsTiers,
            kvCache.savedStates.tokenCount(of: sequence.handle) == 0,
            let hit = kvCache.tiers.lookup(sequence.history[...], key: sequence.exactKey),
            hit.length >= reusable + PrefixTiers.gain
        else { return nil }
        return hit
    }

    /// Begins to read the file of a hit, if its state is not in memory.
    ///
    /// - Returns: whether the sequence waits for the file.
    func awaitState(of hit: PrefixTiers.Hit, for sequence: EngineSequence) -> Bool {
        guard kvCache.tiers.state(of: hit) == nil else { return false }
        kvCache.tiers.read(hit)
        guard kvCache.tiers.isReading(hit.id) else { return false }
        sequence.reuse.awaitedState = hit.id
        return true
    }

    /// Applies a report of the disk tier's threads: sequences that wait for a file are admitted next.
    func apply(_ report: DiskTier.Report) {
        kvCache.tiers.apply(report)
        guard case .read(let id, _, _) = report else { return }
        var isAwaited = false
        for position in 0..<scheduler.waiting.count where scheduler.waiting[position].reuse.awaitedState == id {
            scheduler.waiting[position].reuse.awaitedState = nil
            isAwaited = true
        }
        if !isAwaited { kvCache.tiers.forget(id) }
    }

    /// Restores a hit to the empty entry of a sequence. If that fails, the entry stays empty.
    func restore(_ hit: PrefixTiers.Hit, to entry: KVEntryID, for sequence: EngineSequence) {
        guard let stored = kvCache.tiers.state(of: hit), makeRoom(for: hit.stateCount),
            kvCache.restore(entry, from: stored)
        else { return }
        pinAgain(pinnedPrefixes(of: sequence), from: entry, common: hit.length)
        kvCache.cut(entry, to: reusable(hit, of: sequence.history.count))
        guard kvCache[entry].count > 0 else { return }
        kvCache.tiers.recordUse(hit, reusing: kvCache[entry].count)
        sequence.reuse.tier = hit.tier
    }

    /// Evicts idle entries until so many items fit.
    ///
    /// - Returns: `false` if only running sequences are left.
    func makeRoom(for count: Int) -> Bool {
        guard count <= kvCache.capacity else { return false }
        while kvCache.usedCount + count > kvCache.capacity {
            guard case .clear(let index)? = PoolPolicy.evictOne(holders) else { return false }
            perform(.clear(index))
        }
        return true
    }

    /// The number of items of a hit that are reused. States of attention layers are cut so that the results of the other
    /// items stay the same.
    private func reusable(_ hit: PrefixTiers.Hit, of promptCount: Int) -> Int {
        let shape = scheduler.planner.shape
        guard kvCache.kind.canCutAnywhere, shape.alignedBatchLimit > 0 else { return hit.length }
        return shape.reusable(hit.length, ofState: hit.stateCount, promptCount: promptCount)
    }

    /// Chooses the positions at which checkpoints of a sequence's prompt are made, once its entry is known.
    func planCheckpoints(of sequence: EngineSequence) {
        sequence.reuse.checkpointStops = []
        // A prompt that is computed again, behind a crash or a preemption, ends its chunks where it did before.
        guard let entry = sequence.entry, !kvCache.kind.canCutAnywhere,
            kvCache[entry].count < sequence.promptLength, sequence.request.parameters.cache.retention != .none
        else { return }
        let boundaries = sequence.prepared.boundaries
        let users = boundaries.filter { $0.kind == .userMessage || $0.isPinned }.map(\.index)
        sequence.reuse.checkpointStops = kvCache.checkpointPolicy.stops(
            promptCount: sequence.promptLength,
            messageStarts: users.isEmpty ? boundaries.filter { $0.kind == .message }.map(\.index) : users,
            generationPrompt: boundaries.last { $0.kind == .generationPrompt }?.index,
            existing: kvCache[entry].checkpoints.map(\.itemCount), from: kvCache[entry].count,
            canBeginAtStart: kvCache.context.canSaveStates)
        // A turn of a few tokens needs one decode then, and not a second one for a checkpoint near its end.
        addDueCheckpoint(of: sequence)
    }

    /// Makes a checkpoint if a sequence has just reached one of its positions.
    func addDueCheckpoint(of sequence: EngineSequence) {
        guard let entry = sequence.entry, let stop = sequence.reuse.checkpointStops.first, stop <= kvCache[entry].count
        else { return }
        if stop == kvCache[entry].count { kvCache.addCheckpoint(to: entry, prompt: sequence.arrival) }
        sequence.reuse.checkpointStops.removeAll { $0 <= kvCache[entry].count }
    }

    /// Copies the entry that the next prompt evicts into the RAM tier. The engine is idle.
    ///
    /// A unified KV cache evicts for want of cells, and rarely for want of an entry.
    func copyNextVictim() {
        guard !kvCache.isUnified, kvCache.tiers.isActive, kvCache.entries.allSatisfy({ $0.count > 0 }),
            let victim = ReusePolicy.victim(reuseHolders)
        else { return }
        kvCache.copyInAdvance(KVEntryID(rawValue: victim))
    }

    /// Whether the disk tier lacks a retained prefix.
    var hasUnwrittenPrefixes: Bool { !kvCache.unwrittenEntries.isEmpty }

    /// Lets the disk tier write the prefix that was used last, so that it survives the end of this process.
    ///
    /// - Returns: whether there was one, and the disk tier has accepted it.
    @discardableResult
    func writeOnePrefix() -> Bool {
        let latest = kvCache.unwrittenEntries.max { kvCache[$0].lastUsed < kvCache[$1].lastUsed }
        guard let latest, let stored = kvCache.storedState(of: latest) else { return false }
        switch kvCache.tiers.write(stored) {
        case .accepted: return true
        case .busy: return false
        case .refused:
            kvCache.refuse(latest)
            return false
        }
    }

    /// Writes what the disk tier lacks, the prefixes of running sequences included. The engine stops.
    func writeAllPrefixes() {
        guard kvCache.tiers.disk != nil else { return }
        for case let sequence? in scheduler.running where !sequence.isTruncated {
            guard let entry = sequence.entry, kvCache[entry].count > 0 else { continue }
            kvCache.retain(entry, history: sequence.history, at: stepNumber)
        }
        while writeOnePrefix() {}
        kvCache.tiers.shutdown()
    }

    /// The part of the engine's status about the cache.
    func cacheStatus() -> CacheStatus {
        var status = CacheStatus()
        var memory = CacheTierStatus(.kvCache)
        memory.entries = kvCache.entries.count { $0.count > 0 }
        memory.tokens = kvCache.usedCount
        status.tiers = [memory] + kvCache.tiers.status()
        (status.hits, status.misses) = kvCache.tiers.lookups
        status.checkpoints = kvCache.entries.reduce(0) { $0 + $1.checkpoints.count }
        status.checkpointRestores = kvCache.checkpointRestores
        return status
    }
}
