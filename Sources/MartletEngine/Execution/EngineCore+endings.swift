import MartletProtocol

/// The ends of sequences, and the losses of slots.
extension EngineCore {
    /// Ends a sequence wherever it is: in a slot, in the queue, or paused without a slot.
    func end(_ handle: GenerationHandle, _ reason: GenerationSummary.Reason) {
        if let sequence = scheduler.runningSequence(handle) {
            finish(sequence, reason)
        } else if let waiting = scheduler.waiting.remove(id: handle.rawValue) {
            end(waiting, reason)
        } else if let index = scheduler.paused.firstIndex(where: { $0.handle == handle }) {
            end(scheduler.paused.remove(at: index), reason)
        }
    }

    /// Ends a running sequence. Its entry is retained for prompts that begin alike.
    func finish(_ sequence: EngineSequence, _ reason: GenerationSummary.Reason) {
        let slot = sequence.slot
        guard let entry = release(sequence) else { return }
        end(sequence, reason, slot: slot, kvCacheTokens: kvCache[entry].count)
        let isRetained = !sequence.isTruncated && sequence.request.parameters.cache.retention != .none
        kvCache.retain(
            entry, history: isRetained ? sequence.history : nil,
            isPinned: sequence.request.parameters.cache.retention == .pinned,
            at: stepNumber)
        let cache = sequence.request.parameters.cache
        // A request that only names a prefix leaves its own prompt behind, not the prefix.
        if isRetained {
            if cache.retention == .pinned, let prefix = cache.prefix { notePrefix(prefix, in: entry) }
            kvCache.label(entry, cache.retention == .pinned ? cache.prefix : nil)
        }
    }

    /// Returns a sequence that has run before to the front of the queue.
    func requeue(_ sequence: EngineSequence) {
        scheduler.waiting.prepend(
            sequence, id: sequence.handle.rawValue, owner: sequence.request.tenant.fairShare,
            arrival: sequence.prepared.submitted)
    }

    /// Ends a running sequence with an error, and clears its entry.
    func fail(_ sequence: EngineSequence, _ error: EngineError) {
        guard let entry = release(sequence) else { return }
        kvCache.retain(entry, history: nil, at: stepNumber)
        output.add(sequence.handle, .failed(error))
    }

    /// Fails every sequence: the engine stops.
    func failAll(_ error: EngineError) {
        for case let sequence? in scheduler.running { fail(sequence, error) }
        for sequence in scheduler.waiting.removeAll() + scheduler.paused {
            output.add(sequence.handle, .failed(error))
        }
        scheduler.paused = []
    }

    /// Returns a running sequence to the front of the queue, so that other sequences have room. It continues when there
    /// is room; the part of its history that no tier has is computed again.
    func preempt(_ sequence: EngineSequence) {
        guard let entry = release(sequence) else { return }
        kvCache.retain(entry, history: sequence.isTruncated ? nil : sequence.history, at: stepNumber)
        kvCache.evict(entry)
        requeue(sequence)
    }

    /// Removes a sequence from its slot. Its entry is unchanged.
    ///
    /// - Returns: the entry, which the caller must retain or clear; `nil` if the sequence does not run.
    func release(_ sequence: EngineSequence) -> KVEntryID? {
        guard let slot = sequence.slot, let entry = sequence.entry else { return nil }
        scheduler.suspects.remove(slot)
        scheduler.running[slot] = nil
        sequence.slot = nil
        sequence.entry = nil
        sequence.awaited = nil
        return entry
    }

    /// Emits the terminal event of a sequence.
    ///
    /// - Parameters:
    ///   - slot: the slot of the sequence; `nil` if it has none.
    ///   - kvCacheTokens: the number of its items in the KV cache.
    func end(
        _ sequence: EngineSequence, _ reason: GenerationSummary.Reason, slot: Int? = nil, kvCacheTokens: Int = 0
    ) {
        kvCache.savedStates.remove(sequence.handle)
        scheduler.waiting.charge(owner: sequence.request.tenant.fairShare, work: sequence.predictedCount)
        let start = output.bytes.count
        sequence.finishText(into: &output.bytes)
        let timings = sequence.timings(now: .now)
        board.update { status in
            status.counters.promptTime += timings.promptTime
            status.counters.predictedTime += timings.predictedTime
            status.counters.longestContext = max(status.counters.longestContext, sequence.history.count)
        }
        var summary = GenerationSummary(reason: reason, timings: timings)
        summary.slot = slot
        summary.kvCacheTokens = kvCacheTokens
        summary.isTruncated = sequence.isTruncated
        summary.hasLineBreak = sequence.hasLineBreak
        summary.cacheReport = sequence.reports.cache
        output.addFinish(sequence.handle, summary, textFrom: start, sequence.finishProbabilities())
    }
}

extension GenerationSummary {
    /// The summary of a request that was cancelled before it had a slot.
    static func cancelled(submitted: MonotonicTime) -> Self {
        var timings = Timings()
        timings.queueTime = MonotonicTime.now - submitted
        return GenerationSummary(reason: .cancelled, timings: timings)
    }
}
