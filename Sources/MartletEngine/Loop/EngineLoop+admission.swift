import Llama
import MartletProtocol

extension EngineLoop {
    /// Gives idle slots to generations that wait, while there is room.
    func admit() {
        var position = 0
        while position < queue.count {
            let waiting = queue[position]
            let wanted = waiting.request.slot.map { $0 % slots.count }
            if let wanted, slots[wanted].isBusy {
                // Who wants a certain slot waits for it, and holds up nobody else.
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

    func choose(for sequence: EngineSequence, slot wanted: Int?) -> SlotPolicy.Choice? {
        var holders: [SlotPolicy.Holder] = []
        for slot in slots {
            let isIdle = slot.sequence == nil && (wanted == nil || wanted == slot.index)
            // What was computed with other weights is of no use.
            let tokens = slot.adapters == sequence.request.adapters ? slot.cachedTokens : []
            guard isIdle || (!tokens.isEmpty && canCopy) else { continue }
            holders.append(.init(index: slot.index, tokens: tokens, lastUsed: slot.lastUsed, isIdle: isIdle))
        }
        return SlotPolicy.choose(
            for: sequence.history, among: holders,
            reuses: sequence.request.reusesPrompt && !sequence.needsPromptLogprobs && prefillParent(of: sequence) == nil
                && stateCache.tokenCount(of: sequence.handle) == 0)
    }

    /// Whether a part of one slot's memory can become another's: a running state cannot be cut.
    private var canCopy: Bool { !hasRecurrentState }

    /// The slot that reads the same prompt for another choice of the same request.
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

    func assign(_ sequence: EngineSequence, to choice: SlotPolicy.Choice) {
        let index = choice.index
        let prefillParent = prefillParent(of: sequence)
        sequence.awaitedParent = nil
        if let source = choice.source {
            copy(from: source, to: index)
        } else if slots[index].adapters != sequence.request.adapters {
            clear(index)
        }
        // A memory that cannot be cut is kept whole or not at all.
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

    private func reusable(_ count: Int, of sequence: EngineSequence) -> Int {
        hasRecurrentState || slidingWindow > 0
            ? count : planner.shape.reusable(count, promptCount: sequence.promptLength)
    }

    /// Tells that a sequence has its slot, unless it was preempted: then its client has been told before.
    private func begin(_ index: Int) {
        guard let sequence = slots[index].sequence else { return }
        guard sequence.started == nil else { return applyWaitingCommands(sequence) }
        let now = MonotonicTime.now
        let cached = min(slots[index].cachedTokenCount, sequence.promptCount)
        sequence.start(cachedTokens: cached, at: now)
        board.update { $0.counters.cachedTokens += UInt64(cached) }
        output.add(sequence.handle, .started(slot: index, cachedTokens: cached))
        reportProgress(of: index, now: now)
        // A prompt may leave a think block open for which there is no budget.
        if !sequence.isAtTokenLimit { applyDueCommands(sequence) }
        applyWaitingCommands(sequence)
    }

    /// Makes all that `source` has in memory the memory of `index` too.
    func copy(from source: Int, to index: Int) {
        clear(index)
        context.copySequence(from: source, to: index)
        slots[index].cachedTokenCount = slots[source].cachedTokenCount
        slots[index].sharing = (source, slots[source].cachedTokenCount)
    }

    /// Lets those go on that waited for another one to read their prompt, when it has, is paused, or is gone.
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

    /// Leaves a slot's first `count` tokens in memory, or none where its memory cannot be cut there.
    ///
    /// Other slots are never touched.
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

    /// Whether what a sliding window still needs is in memory: libllama does not refuse by itself.
    private func canCut(_ index: Int, to count: Int) -> Bool {
        guard slidingWindow > 0, let positions = context.positions(of: index) else { return true }
        return positions.lowerBound <= max(0, count - slidingWindow)
    }

    func clear(_ index: Int) {
        context.removeAll(of: index)
        slots[index].cachedTokenCount = 0
        slots[index].tokens = []
        slots[index].sharing = nil
        endSharing(with: index, beyond: 0)
    }

    /// A slot keeps only its first `count` tokens: who shares more with it now has it alone.
    private func endSharing(with index: Int, beyond count: Int) {
        for other in slots.indices {
            guard let sharing = slots[other].sharing, sharing.slot == index, sharing.count > count else { continue }
            slots[other].sharing = count > 0 ? (index, count) : nil
        }
    }

    /// Ends a sequence wherever it is.
    func end(_ handle: GenerationHandle, _ reason: GenerationSummary.Reason) {
        if let index = slots.firstIndex(where: { $0.sequence?.handle == handle }) {
            finish(index, reason)
        } else if let waiting = queue.remove(id: handle.rawValue) {
            end(waiting, reason)
        } else if let index = swappedOut.firstIndex(where: { $0.handle == handle }) {
            end(swappedOut.remove(at: index), reason)
        }
    }

    /// Ends the sequence of a slot, whose memory is kept for a prompt that begins alike.
    func finish(_ index: Int, _ reason: GenerationSummary.Reason) {
        guard let sequence = release(index) else { return }
        end(sequence, reason, slot: index)
        if sequence.isTruncated {
            clear(index)
            return
        }
        slots[index].tokens = sequence.releaseHistory(first: slots[index].cachedTokenCount)
    }

    /// Ends the sequence of a slot with an error, and forgets what its memory holds.
    func fail(_ index: Int, _ error: EngineError) {
        guard let sequence = release(index) else { return }
        clear(index)
        output.add(sequence.handle, .failed(error))
    }

    /// Stops a sequence so that others have room; it goes on when there is room again.
    func preempt(_ index: Int) {
        guard let sequence = release(index) else { return }
        clear(index)
        queue.prepend(sequence, id: sequence.handle.rawValue)
    }

    func release(_ index: Int) -> EngineSequence? {
        suspects.remove(index)
        slots[index].lastUsed = stepNumber
        defer { slots[index].sequence = nil }
        return slots[index].sequence
    }

    /// Adds the last event of a sequence.
    /// - Parameter slot: its slot; `nil` = it has none.
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
    /// Of a request that was cancelled before it had a slot.
    static func cancelled(submitted: MonotonicTime) -> Self {
        var timings = Timings()
        timings.queueTime = MonotonicTime.now - submitted
        return GenerationSummary(reason: .cancelled, timings: timings)
    }
}

extension EngineError {
    static func queueFull(limit: Int) -> Self {
        EngineError(.overloaded, "The queue is full: \(limit) generations wait already (--queue-limit).")
    }
}
