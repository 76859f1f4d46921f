import Llama
import MartletProtocol

extension EngineCore {
    /// Gives slots and entries of the KV cache to waiting sequences, in the order of `FairQueue`, while there is room.
    func admit() {
        defer { reportQueuePositions(at: .now) }
        if holdsAdmission, scheduler.running.indices.contains(where: scheduler.isBusy) { return }
        while scheduler.waiting.count > 0 {
            synchronizeTree()
            let now = MonotonicTime.now
            let admission = scheduler.nextAdmission(
                at: now, committed: committedCount, capacity: kvCache.capacity, shared: sharedCount)
            guard let admission else { return }
            if let slot = admission.slot, scheduler.running[slot] != nil {
                swapOut(slot)
            } else if scheduler.freeSlotCount == 0 {
                _ = swapOutOne()
            }
            let sequence = scheduler.waiting[admission.position]
            guard var plan = plan(for: sequence) else { return }
            var hit = tierHit(for: sequence, beyond: plan.reuse.count)
            let shift = shiftedReuse(for: sequence, beyond: max(plan.reuse.count, hit?.length ?? 0))
            if let shift {
                (hit, plan.entry) = (nil, shift.entry)
            } else if let hit {
                if awaitState(of: hit, for: sequence) { continue }
                plan.entry = ReusePolicy.victim(reuseHolders) ?? plan.entry
            }
            guard let slot = admission.slot ?? freeSlot(for: plan.entry) else { return }
            // A prefix that would be lost now can be saved after the next decode.
            let entry = KVEntryID(rawValue: plan.entry)
            if !kvCache.context.canSaveStates, hit != nil || kvCache.isWanted(entry) { return }
            _ = scheduler.waiting.admit(at: admission.position, now: now)
            noteReuse(of: sequence)
            if let shift {
                assign(sequence, to: slot, shifting: shift)
            } else {
                assign(sequence, to: slot, plan, restoring: hit)
            }
        }
    }

    // MARK: Reuse

    /// Adds the output tokens of running sequences to the tree.
    private func synchronizeTree() {
        for case let sequence? in scheduler.running {
            if let entry = sequence.entry { kvCache.synchronize(entry, with: sequence.sharableItems) }
        }
    }

    /// The number of items that the running sequences have or will have in the KV cache, shared ones counted once.
    private var committedCount: Int {
        guard kvCache.isUnified else { return 0 }
        var entries = EntrySet()
        var apart = 0
        for case let sequence? in scheduler.running where !sequence.isResting {
            guard let entry = sequence.entry, !sequence.isTruncated else {
                apart += sequence.history.count
                continue
            }
            entries.insert(entry.rawValue)
        }
        return apart + kvCache.tree.itemCount(of: entries)
    }

    /// The number of items of a waiting sequence that running sequences have or will have.
    private func sharedCount(_ sequence: EngineSequence) -> Int {
        guard kvCache.isUnified else { return 0 }
        let running = EntrySet(kvCache.entries.lazy.filter { $0.slot != nil }.map(\.id.rawValue))
        return matches(of: sequence).lazy.filter { $0.entries.intersects(running) }.map(\.length).max() ?? 0
    }

    /// The levels of the tree that a prompt reaches and may read: of each key from the deepest one on.
    func matches(of sequence: EngineSequence) -> [PrefixTree.Match] {
        guard !sequence.needsPromptLogprobs, kvCache.savedStates.tokenCount(of: sequence.handle) == 0 else { return [] }
        let keys = [sequence.exactKey] + (sequence.shiftedKey.map { [$0] } ?? [])
        let matches = keys.flatMap { kvCache.tree.matches(sequence.history[...], key: $0) }
        guard !sequence.request.parameters.reusesPrompt else { return matches }
        // The choices of one request share its prompt even if the request does not read the cache.
        guard let parent = sequence.request.sharedPrefillParent.flatMap(scheduler.runningSequence)?.entry else {
            return []
        }
        return matches.first { $0.entries.contains(parent.rawValue) }
            .map { [.init(length: $0.length, entries: EntrySet(CollectionOfOne(parent.rawValue)))] } ?? []
    }

    /// The entries, as the policy of reuse sees them.
    var reuseHolders: [ReusePolicy.Holder] {
        kvCache.entries.map { entry in
            let sequence = entry.slot.flatMap { scheduler.running[$0] }
            return .init(
                count: entry.count, exactCount: entry.exactCount, promptCount: sequence?.promptLength ?? 0,
                lastUsed: entry.lastUsed, isRunning: sequence != nil,
                isPrefilling: sequence.map(isPrefilling) ?? false, isPinned: entry.isPinned)
        }
    }

    /// Whether a sequence computes its prompt now. A sequence that waits for another one does not.
    private func isPrefilling(_ sequence: EngineSequence) -> Bool {
        sequence.awaited == nil && !sequence.isResting && sequence.predictedCount == 0 && sequence.entry != nil
    }

    private var reuseRules: ReusePolicy.Rules {
        ReusePolicy.Rules(kind: kvCache.kind, isUnified: kvCache.isUnified, shape: scheduler.planner.shape) {
            [kvCache] entry, count in
            kvCache.hasWindow(KVEntryID(rawValue: entry), at: count)
        } checkpoint: {
            [kvCache] entry, count in
            kvCache.entries[entry].checkpoints.last { $0.itemCount <= count }?.itemCount ?? 0
        }
    }

    /// Plans the entry of a sequence and the items that it reuses; `nil` if sequences run on all entries.
    func plan(for sequence: EngineSequence) -> ReusePolicy.Plan? {
        ReusePolicy.plan(
            promptCount: sequence.history.count, matches: matches(of: sequence), holders: reuseHolders,
            rules: reuseRules)
    }

    /// The number of tokens that the waiting sequences have to compute. Neither the KV cache nor a tier has them.
    var waitingTokenCount: Int {
        (0..<scheduler.waiting.count).reduce(0) { sum, position in
            let sequence = scheduler.waiting[position]
            let reused = plan(for: sequence)?.reuse.count ?? 0
            let restored = tierHit(for: sequence, beyond: reused)?.length ?? 0
            return sum + sequence.history.count - max(reused, restored)
        }
    }

    /// A free slot: the one that last used `entry`, else the first one; `nil` if there is none.
    func freeSlot(for entry: Int) -> Int? {
        let free = scheduler.running.indices.filter { scheduler.running[$0] == nil }
        let id = KVEntryID(rawValue: entry)
        return free.first { lastEntries[$0] == id } ?? free.first { lastEntries[$0] == nil } ?? free.first
    }

    // MARK: Assignment

    /// Lets a sequence run in a slot: its entry is cut, copied or restored, or waits for another sequence.
    ///
    /// - Parameter hit: a prefix of a tier that replaces the entry.
    func assign(
        _ sequence: EngineSequence, to slot: Int, _ plan: ReusePolicy.Plan, restoring hit: PrefixTiers.Hit? = nil
    ) {
        let entry = KVEntryID(rawValue: plan.entry)
        sequence.awaited = nil
        sequence.reuse.tier = nil
        if let hit {
            kvCache.evict(entry)
            place(sequence, in: slot, entry)
            restore(hit, to: entry, for: sequence)
            return apply(.own(count: 0), to: sequence, entry)
        }
        followKey(of: plan, sequence)
        switch plan.reuse {
        case .own(let count): kvCache.evict(entry, to: count)
        case .copy, .wait: kvCache.evict(entry)
        }
        place(sequence, in: slot, entry)
        apply(plan.reuse, to: sequence, entry)
    }

    /// Lets a sequence run in a slot on an entry.
    func place(_ sequence: EngineSequence, in slot: Int, _ entry: KVEntryID) {
        kvCache.claim(
            entry, slot: slot, key: sequence.prefixKey, items: sequence.sharableItems, at: stepNumber)
        scheduler.running[slot] = sequence
        sequence.slot = slot
        sequence.entry = entry
        for other in lastEntries.indices where lastEntries[other] == entry { lastEntries[other] = nil }
        lastEntries[slot] = entry
    }

    /// Fills the entry of a running sequence as planned, then begins the sequence or lets it wait.
    func apply(_ reuse: ReusePolicy.Reuse, to sequence: EngineSequence, _ entry: KVEntryID) {
        switch reuse {
        case .own: break
        case .copy(let source, let count):
            let source = KVEntryID(rawValue: source)
            kvCache.copy(source, to: entry, count: count)
            kvCache.touch(source, at: stepNumber)
        case .wait(let source, let count):
            if let handle = kvCache.entries[source].slot.flatMap({ scheduler.running[$0]?.handle }) {
                sequence.awaited = AwaitedPrefix(source: handle, count: count)
                return
            }
        }
        if kvCache[entry].count == 0 {
            _ = swapIn(sequence, entry)
        } else if sequence.reuse.tier == nil {
            sequence.reuse.tier = .kvCache
        }
        planCheckpoints(of: sequence)
        begin(sequence)
    }

    /// Emits that a sequence runs. A sequence that was preempted has emitted it before.
    private func begin(_ sequence: EngineSequence) {
        guard let slot = sequence.slot, let entry = sequence.entry, sequence.started == nil else {
            return applyWaitingCommands(sequence)
        }
        let now = MonotonicTime.now
        let cached = min(kvCache[entry].count, sequence.promptCount)
        sequence.reuse.recordStart(cachedTokens: cached)
        if sequence.request.parameters.reusesPrompt { kvCache.tiers.recordLookup(isHit: cached > 0) }
        sequence.start(cachedTokens: cached, at: now)
        recordReuse(of: sequence, at: now)
        board.update { $0.counters.cachedTokens += UInt64(cached) }
        output.add(sequence.handle, .started(slot: slot, cachedTokens: cached))
        reportProgress(of: sequence, now: now)
        // The prompt may end within reasoning although the reasoning budget is 0.
        if !sequence.isAtTokenLimit { applyDueCommands(sequence) }
        applyWaitingCommands(sequence)
    }

    // MARK: Waiting for a prefix

    /// Plans again for sequences whose awaited prefix is complete, or whose source no longer computes it: it was
    /// cancelled, preempted or paused, or has failed.
    func releaseWaiting() {
        for case let sequence? in scheduler.running {
            guard let awaited = sequence.awaited, let entry = sequence.entry, let slot = sequence.slot,
                !sequence.isResting
            else { continue }
            if let source = scheduler.runningSequence(awaited.source), let sourceEntry = source.entry,
                isPrefilling(source), kvCache[sourceEntry].count < awaited.count
            {
                continue
            }
            sequence.awaited = nil
            synchronizeTree()
            let reuse = ReusePolicy.plan(
                promptCount: sequence.history.count, matches: matches(of: sequence), holders: reuseHolders,
                rules: reuseRules, entry: entry.rawValue)
            if followKey(of: .init(entry: entry.rawValue, reuse: reuse), sequence) {
                kvCache.claim(
                    entry, slot: slot, key: sequence.prefixKey, items: sequence.sharableItems, at: stepNumber)
            }
            apply(reuse, to: sequence, entry)
        }
    }

    /// The next position at which the prefill of a sequence must end a chunk, because another sequence copies the
    /// prefix there; `nil` = none. Attention needs no stop: a copy can be cut.
    func nextStop(of sequence: EngineSequence, from count: Int) -> Int? {
        guard !kvCache.kind.canCutAnywhere, count < sequence.promptLength else { return nil }
        var stop = sequence.reuse.checkpointStops.first { $0 > count }
        for case let other? in scheduler.running {
            guard let awaited = other.awaited, awaited.source == sequence.handle, awaited.count > count else {
                continue
            }
            stop = min(stop ?? .max, awaited.count)
        }
        return stop
    }
}
