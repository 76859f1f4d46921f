import Llama
import MartletProtocol

extension EngineLoop {
    /// Gives idle sequences to generations that wait, while there is room.
    func admit() {
        var position = 0
        while position < queue.count {
            let waiting = queue[position]
            let wanted = waiting.request.slot.map { $0 % slots.count }
            if let wanted, slots[wanted].isBusy {
                // Who wants a certain sequence waits for it, and holds up nobody else.
                position += 1
                continue
            }
            guard !slots.allSatisfy(\.isBusy) else { return }
            let committed = slots.reduce(0) { sum, slot in
                guard let generation = slot.generation, !generation.isResting else { return sum }
                return sum + generation.history.count
            }
            guard PoolPolicy.admits(tokens: waiting.history.count, committed: committed, capacity: capacity) else {
                return
            }
            if let wanted, slots[wanted].generation != nil {
                park(wanted)
            } else if slots.allSatisfy({ $0.generation != nil }) {
                _ = parkOne()
            }
            guard let choice = choose(for: waiting, slot: wanted) else { return }
            assign(queue.remove(at: position), to: choice)
        }
    }

    func choose(for generation: Generation, slot wanted: Int?) -> SequencePolicy.Choice? {
        var holders: [SequencePolicy.Holder] = []
        for slot in slots {
            let isIdle = slot.generation == nil && (wanted == nil || wanted == slot.index)
            // What was computed with other weights is of no use.
            let tokens = slot.adapters == generation.request.adapters ? slot.memory : []
            guard isIdle || (!tokens.isEmpty && canCopy) else { continue }
            holders.append(.init(index: slot.index, tokens: tokens, lastUsed: slot.lastUsed, isIdle: isIdle))
        }
        return SequencePolicy.choose(
            for: generation.history, among: holders,
            reuses: generation.request.reusesPrompt && !generation.wantsPromptScores && leader(of: generation) == nil
                && shelf.tokenCount(of: generation.handle) == 0)
    }

    /// Whether a part of one sequence's memory can become another's: a running state cannot be cut.
    private var canCopy: Bool { !hasRecurrentMemory }

    /// The sequence that reads the same prompt for another choice of the same request.
    private func leader(of generation: Generation) -> Int? {
        guard canCopy, generation.predicted == 0, !generation.wantsPromptScores,
            let handle = generation.request.promptLeader
        else { return nil }
        return slots.firstIndex { slot in
            guard let leader = slot.generation, leader.handle == handle, leader.predicted == 0, !leader.isPaused else {
                return false
            }
            return leader.promptCount == generation.promptCount
        }
    }

    func assign(_ generation: Generation, to choice: SequencePolicy.Choice) {
        let index = choice.index
        let leader = leader(of: generation)
        generation.awaited = nil
        if let source = choice.source {
            copy(from: source, to: index)
        } else if slots[index].adapters != generation.request.adapters {
            clear(index)
        }
        // A memory that cannot be cut is kept whole or not at all.
        cut(index, to: leader == nil ? reusable(choice.reusable, of: generation) : 0)
        slots[index].tokens = []
        if slots[index].memoryCount == 0 { _ = unshelve(generation, index) }
        slots[index].adapters = generation.request.adapters
        slots[index].generation = generation
        slots[index].lastUsed = turn
        if let leader, let handle = slots[leader].generation?.handle {
            generation.awaited = handle
        } else {
            begin(index)
        }
    }

    private func reusable(_ count: Int, of generation: Generation) -> Int {
        hasRecurrentMemory || slidingWindow > 0
            ? count : planner.shape.reusable(count, promptCount: generation.promptLength)
    }

    /// Tells that a generation has its sequence, unless it was preempted: then its client has been told before.
    private func begin(_ index: Int) {
        guard let generation = slots[index].generation else { return }
        guard generation.started == nil else { return obeyWaiting(generation) }
        let now = MonotonicTime.now
        let cached = min(slots[index].memoryCount, generation.promptCount)
        generation.start(cachedTokens: cached, at: now)
        board.update { $0.counters.cachedTokens += UInt64(cached) }
        output.add(generation.handle, .started(slot: index, cachedTokens: cached))
        reportProgress(of: index, now: now)
        // A prompt may leave a think block open for which there is no budget.
        if !generation.isAtTokenLimit { steer(generation) }
        obeyWaiting(generation)
    }

    /// Makes all that `source` has in memory the memory of `index` too.
    func copy(from source: Int, to index: Int) {
        clear(index)
        context.share(from: source, to: index)
        slots[index].memoryCount = slots[source].memoryCount
        slots[index].sharing = (source, slots[source].memoryCount)
    }

    /// Lets those go on that waited for another one to read their prompt, when it has, is paused, or is gone.
    func releaseFollowers() {
        for index in slots.indices {
            guard let generation = slots[index].generation, let awaited = generation.awaited else { continue }
            let leader = slots.firstIndex { $0.generation?.handle == awaited }
            if let leader, slots[leader].isBusy, slots[leader].generation?.predicted == 0 { continue }
            generation.awaited = nil
            let best = slots.filter { $0.index != index && $0.adapters == slots[index].adapters }
                .map { (slot: $0.index, count: SequencePolicy.commonPrefix($0.memory, generation.history[...])) }
                .max { $0.count < $1.count }
            if let best, best.count >= SequencePolicy.copyGain {
                copy(from: best.slot, to: index)
                cut(index, to: reusable(min(best.count, generation.history.count - 1), of: generation))
            }
            begin(index)
        }
    }

    func reportProgress(of index: Int, now: MonotonicTime) {
        guard let generation = slots[index].generation, generation.request.reportsProgress,
            let started = generation.started, generation.predicted == 0, generation.request.continuation.isEmpty
        else { return }
        var progress = PromptProgress(
            total: generation.promptCount, cached: generation.cachedTokens, processed: slots[index].memoryCount,
            elapsed: now - started)
        progress.slot = index
        output.add(generation.handle, .promptProgress(progress))
    }

    /// Leaves a sequence's first `count` tokens in memory, or none where its memory cannot be cut there.
    ///
    /// Other sequences are never touched.
    func cut(_ index: Int, to count: Int) {
        guard count < slots[index].memoryCount else { return }
        if count > 0, canCut(index, to: count), context.removeTail(of: index, from: count),
            context.positions(of: index)?.upperBound == count - 1
        {
            slots[index].memoryCount = count
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
        slots[index].memoryCount = 0
        slots[index].tokens = []
        slots[index].sharing = nil
        endSharing(with: index, beyond: 0)
    }

    /// A sequence keeps only its first `count` tokens: who shares more with it now has it alone.
    private func endSharing(with index: Int, beyond count: Int) {
        for other in slots.indices {
            guard let sharing = slots[other].sharing, sharing.slot == index, sharing.count > count else { continue }
            slots[other].sharing = count > 0 ? (index, count) : nil
        }
    }

    /// Ends a generation wherever it is.
    func end(_ handle: GenerationHandle, _ reason: Completion.Reason) {
        if let index = slots.firstIndex(where: { $0.generation?.handle == handle }) {
            finish(index, reason)
        } else if let waiting = queue.remove(id: handle.rawValue) {
            end(waiting, reason)
        } else if let index = parked.firstIndex(where: { $0.handle == handle }) {
            end(parked.remove(at: index), reason)
        }
    }

    /// Ends the generation of a sequence, whose memory is kept for a prompt that begins alike.
    func finish(_ index: Int, _ reason: Completion.Reason) {
        guard let generation = release(index) else { return }
        end(generation, reason, slot: index)
        if generation.isTruncated {
            clear(index)
            return
        }
        slots[index].tokens = generation.takeHistory(first: slots[index].memoryCount)
    }

    /// Ends the generation of a sequence with an error, and forgets what its memory holds.
    func fail(_ index: Int, _ error: EngineError) {
        guard let generation = release(index) else { return }
        clear(index)
        output.add(generation.handle, .failed(error))
    }

    /// Stops a generation so that others have room; it goes on when there is room again.
    func preempt(_ index: Int) {
        guard let generation = release(index) else { return }
        clear(index)
        queue.prepend(generation, id: generation.handle.rawValue)
    }

    func release(_ index: Int) -> Generation? {
        suspects.remove(index)
        slots[index].lastUsed = turn
        defer { slots[index].generation = nil }
        return slots[index].generation
    }

    /// Adds the last event of a generation.
    /// - Parameter slot: its sequence; `nil` = it has none.
    func end(_ generation: Generation, _ reason: Completion.Reason, slot: Int? = nil) {
        shelf.remove(generation.handle)
        let start = output.bytes.count
        generation.finishText(into: &output.bytes)
        let timings = generation.timings(now: .now)
        board.update { status in
            status.counters.promptTime += timings.promptTime
            status.counters.predictedTime += timings.predictedTime
            status.counters.longestContext = max(status.counters.longestContext, generation.history.count)
        }
        var completion = Completion(reason: reason, timings: timings)
        completion.slot = slot
        completion.memoryTokens = slot.map { slots[$0].memoryCount } ?? 0
        completion.isTruncated = generation.isTruncated
        completion.hasLineBreak = generation.hasLineBreak
        output.addFinish(generation.handle, completion, textFrom: start, generation.finishProbabilities())
    }
}

extension Completion {
    /// Of a request that was cancelled before it had a sequence.
    static func cancelled(submitted: MonotonicTime) -> Self {
        var timings = Timings()
        timings.queueTime = MonotonicTime.now - submitted
        return Completion(reason: .cancelled, timings: timings)
    }
}

extension EngineError {
    static func queueFull(limit: Int) -> Self {
        EngineError(.overloaded, "The queue is full: \(limit) generations wait already (--queue-limit).")
    }
}
