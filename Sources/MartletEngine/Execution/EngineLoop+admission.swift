import Llama
import MartletProtocol

extension EngineLoop {
    /// Assigns idle slots to waiting generations, in order of arrival, while the KV cache has room.
    func admit() {
        var position = 0
        while position < queue.count {
            let waiting = queue[position]
            let wanted = waiting.request.slot.map { $0 % slots.count }
            if let wanted, slots[wanted].isBusy {
                // A request for a certain slot waits for that slot and does not delay other requests.
                position += 1
                continue
            }
            guard !slots.allSatisfy(\.isBusy) else { return }
            let committed = slots.reduce(0) { sum, slot in
                guard let sequence = slot.sequence, !sequence.isResting else { return sum }
                return sum + sequence.history.count
            }
            guard PoolPolicy.admits(tokens: waiting.history.count, committed: committed, capacity: capacity) else {
                return
            }
            if let wanted, slots[wanted].sequence != nil {
                swapOut(wanted)
            } else if slots.allSatisfy({ $0.sequence != nil }) {
                _ = swapOutOne()
            }
            guard let choice = choose(for: waiting, slot: wanted) else { return }
            assign(queue.remove(at: position), to: choice)
        }
    }

    /// Chooses a slot for a sequence, and the cached tokens that it reuses.
    ///
    /// - Parameter wanted: the only slot that is allowed; `nil` = any.
    /// - Returns: `nil` if no allowed slot is idle.
    func choose(for sequence: EngineSequence, slot wanted: Int?) -> SlotPolicy.Choice? {
        var holders: [SlotPolicy.Holder] = []
        for slot in slots {
            let isIdle = slot.sequence == nil && (wanted == nil || wanted == slot.index)
            // A KV cache that was computed with other adapters cannot be reused.
            let tokens = slot.adapters == sequence.request.adapters ? slot.cachedTokens : []
            guard isIdle || (!tokens.isEmpty && canCopy) else { continue }
            holders.append(.init(index: slot.index, tokens: tokens, lastUsed: slot.lastUsed, isIdle: isIdle))
        }
        return SlotPolicy.choose(
            for: sequence.history, among: holders,
            reuses: sequence.request.reusesPrompt && !sequence.needsPromptLogprobs && prefillParent(of: sequence) == nil
                && stateCache.tokenCount(of: sequence.handle) == 0)
    }

    /// Whether a part of a slot's KV cache can be copied to another slot. A recurrent state cannot be cut.
    private var canCopy: Bool { !hasRecurrentState }

    /// The slot that computes the same prompt for another choice of the same request.
    private func prefillParent(of sequence: EngineSequence) -> Int? {
        guard canCopy, sequence.predictedCount == 0, !sequence.needsPromptLogprobs,
            let handle = sequence.request.sharedPrefillParent
        else { return nil }
        return slots.firstIndex { slot in
            guard let prefillParent = slot.sequence, prefillParent.handle == handle, prefillParent.predictedCount == 0,
                !prefillParent.isPaused
            else {
                return false
            }
            return prefillParent.promptCount == sequence.promptCount
        }
    }

    /// Puts a sequence into a slot: copies, cuts or restores the KV cache, then begins the sequence or lets it wait for
    /// its prefill parent.
    func assign(_ sequence: EngineSequence, to choice: SlotPolicy.Choice) {
        let index = choice.index
        let prefillParent = prefillParent(of: sequence)
        sequence.awaitedParent = nil
        if let source = choice.source {
            copy(from: source, to: index)
        } else if slots[index].adapters != sequence.request.adapters {
            clear(index)
        }
        // A KV cache that cannot be cut is reused as a whole or not at all.
        cut(index, to: prefillParent == nil ? reusable(choice.reusable, of: sequence) : 0)
        slots[index].tokens = []
        if slots[index].cachedTokenCount == 0 { _ = swapIn(sequence, index) }
        slots[index].adapters = sequence.request.adapters
        slots[index].sequence = sequence
        slots[index].lastUsed = stepNumber
        if let prefillParent, let handle = slots[prefillParent].sequence?.handle {
            sequence.awaitedParent = handle
        } else {
            begin(index)
        }
    }

    /// How many of `count` cached tokens are reused, so that the results of the other tokens stay the same.
    private func reusable(_ count: Int, of sequence: EngineSequence) -> Int {
        hasRecurrentState || slidingWindow > 0
            ? count : planner.shape.reusable(count, promptCount: sequence.promptLength)
    }

    /// Emits that a sequence has its slot. A sequence that was preempted has emitted it before.
    private func begin(_ index: Int) {
        guard let sequence = slots[index].sequence else { return }
        guard sequence.started == nil else { return applyWaitingCommands(sequence) }
        let now = MonotonicTime.now
        let cached = min(slots[index].cachedTokenCount, sequence.promptCount)
        sequence.start(cachedTokens: cached, at: now)
        board.update { $0.counters.cachedTokens += UInt64(cached) }
        output.add(sequence.handle, .started(slot: index, cachedTokens: cached))
        reportProgress(of: index, now: now)
        // The prompt may end within reasoning although the reasoning budget is 0.
        if !sequence.isAtTokenLimit { applyDueCommands(sequence) }
        applyWaitingCommands(sequence)
    }

    /// Shares the whole KV cache of slot `source` with slot `index`, whose own cache is removed.
    func copy(from source: Int, to index: Int) {
        clear(index)
        context.copySequence(from: source, to: index)
        slots[index].cachedTokenCount = slots[source].cachedTokenCount
        slots[index].sharing = (source, slots[source].cachedTokenCount)
    }

    /// Resumes sequences whose prefill parent has completed its prompt, is paused, or has ended.
    func releaseSiblings() {
        for index in slots.indices {
            guard let sequence = slots[index].sequence, let awaitedParent = sequence.awaitedParent else { continue }
            let prefillParent = slots.firstIndex { $0.sequence?.handle == awaitedParent }
            if let prefillParent, slots[prefillParent].isBusy, slots[prefillParent].sequence?.predictedCount == 0 {
                continue
            }
            sequence.awaitedParent = nil
            let best = slots.filter { $0.index != index && $0.adapters == slots[index].adapters }
                .map { (slot: $0.index, count: SlotPolicy.commonPrefix($0.cachedTokens, sequence.history[...])) }
                .max { $0.count < $1.count }
            if let best, best.count >= SlotPolicy.copyGain {
                copy(from: best.slot, to: index)
                cut(index, to: reusable(min(best.count, sequence.history.count - 1), of: sequence))
            }
            begin(index)
        }
    }

    /// Emits the progress of a prefill if the request asks for it.
    func reportProgress(of index: Int, now: MonotonicTime) {
        guard let sequence = slots[index].sequence, sequence.request.reportsProgress,
            let started = sequence.started, sequence.predictedCount == 0, sequence.request.continuation.isEmpty
        else { return }
        var progress = PromptProgress(
            total: sequence.promptCount, cached: sequence.cachedTokens, processed: slots[index].cachedTokenCount,
            elapsed: now - started)
        progress.slot = index
        output.add(sequence.handle, .promptProgress(progress))
    }

    /// Cuts the KV cache of a slot to its first `count` tokens, or clears it if it cannot be cut there.
    ///
    /// Other slots are not changed.
    func cut(_ index: Int, to count: Int) {
        guard count < slots[index].cachedTokenCount else { return }
        if count > 0, canCut(index, to: count), context.removeTail(of: index, from: count),
            context.positions(of: index)?.upperBound == count - 1
        {
            slots[index].cachedTokenCount = count
            endSharing(with: index, beyond: count)
        } else {
            clear(index)
        }
    }

    /// Whether the cells that the sliding window needs at `count` still exist. libllama does not check this.
    private func canCut(_ index: Int, to count: Int) -> Bool {
        guard slidingWindow > 0, let positions = context.positions(of: index) else { return true }
        return positions.lowerBound <= max(0, count - slidingWindow)
    }

    /// Removes the whole KV cache of a slot.
    func clear(_ index: Int) {
        context.removeAll(of: index)
        slots[index].cachedTokenCount = 0
        slots[index].tokens = []
        slots[index].sharing = nil
        endSharing(with: index, beyond: 0)
    }

    /// Updates the slots that share tokens with slot `index`, of which only the first `count` tokens remain.
    private func endSharing(with index: Int, beyond count: Int) {
        for other in slots.indices {
            guard let sharing = slots[other].sharing, sharing.slot == index, sharing.count > count else { continue }
            slots[other].sharing = count > 0 ? (index, count) : nil
        }
    }

    /// Ends a sequence wherever it is: in a slot, in the queue, or swapped out.
    func end(_ handle: GenerationHandle, _ reason: GenerationSummary.Reason) {
        if let index = slots.firstIndex(where: { $0.sequence?.handle == handle }) {
            finish(index, reason)
        } else if let waiting = queue.remove(id: handle.rawValue) {
            end(waiting, reason)
        } else if let index = swappedOut.firstIndex(where: { $0.handle == handle }) {
            end(swappedOut.remove(at: index), reason)
        }
    }

    /// Ends the sequence of a slot. The slot's KV cache is retained for prompts that begin alike.
    func finish(_ index: Int, _ reason: GenerationSummary.Reason) {
        guard let sequence = release(index) else { return }
        end(sequence, reason, slot: index)
        if sequence.isTruncated {
            clear(index)
            return
        }
        slots[index].tokens = sequence.releaseHistory(first: slots[index].cachedTokenCount)
    }

    /// Ends the sequence of a slot with an error, and clears the KV cache of the slot.
    func fail(_ index: Int, _ error: EngineError) {
        guard let sequence = release(index) else { return }
        clear(index)
        output.add(sequence.handle, .failed(error))
    }

    /// Returns the sequence of a slot to the front of the queue, so that other sequences have room. It is computed
    /// again when there is room.
    func preempt(_ index: Int) {
        guard let sequence = release(index) else { return }
        clear(index)
        queue.prepend(sequence, id: sequence.handle.rawValue)
    }

    /// Removes the sequence of a slot and returns it. The KV cache of the slot is not changed.
    func release(_ index: Int) -> EngineSequence? {
        suspects.remove(index)
        slots[index].lastUsed = stepNumber
        defer { slots[index].sequence = nil }
        return slots[index].sequence
    }

    /// Emits the terminal event of a sequence.
    ///
    /// - Parameter slot: the slot of the sequence; `nil` if it has none.
    func end(_ sequence: EngineSequence, _ reason: GenerationSummary.Reason, slot: Int? = nil) {
        stateCache.remove(sequence.handle)
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
        summary.kvCacheTokens = slot.map { slots[$0].cachedTokenCount } ?? 0
        summary.isTruncated = sequence.isTruncated
        summary.hasLineBreak = sequence.hasLineBreak
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

extension EngineError {
    /// The error of a request that finds the queue full. Names the flag that changes the limit.
    static func queueFull(limit: Int) -> Self {
        EngineError(.overloaded, "The queue is full: \(limit) generations wait already (--queue-limit).")
    }
}
