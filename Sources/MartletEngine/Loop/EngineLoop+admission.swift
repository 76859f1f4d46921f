import Llama
import MartletProtocol

extension EngineLoop {
    /// Gives idle sequences to generations that wait, while there is room.
    func admit() {
        while let waiting = queue.first {
            let idle = slots.filter { $0.generation == nil }
            guard !idle.isEmpty else {
                if parkOne() { continue }
                return
            }
            let committed = slots.reduce(0) { sum, slot in
                guard let generation = slot.generation, !generation.isPaused else { return sum }
                return sum + generation.history.count
            }
            guard PoolPolicy.admits(tokens: waiting.history.count, committed: committed, capacity: capacity) else {
                return
            }
            let choice = SequencePolicy.choose(
                for: waiting.history,
                among: idle.map { .init(index: $0.index, tokens: $0.tokens, lastUsed: $0.lastUsed) },
                reuses: waiting.request.reusesPrompt)
            guard let choice, let generation = queue.removeFirst() else { return }
            assign(generation, to: choice)
        }
    }

    private func assign(_ generation: Generation, to choice: SequencePolicy.Choice) {
        let index = choice.index
        // A memory that cannot be cut is kept whole or not at all.
        let reusable =
            hasRecurrentMemory || slidingWindow > 0
            ? choice.reusable : planner.shape.reusable(choice.reusable, promptCount: generation.promptCount)
        cut(index, to: reusable)
        let cached = min(slots[index].memoryCount, generation.promptCount)
        slots[index].tokens = []
        slots[index].generation = generation
        slots[index].lastUsed = turn
        // One that was preempted has been started before, and its client has been told.
        guard generation.started == nil else { return obeyWaiting(generation) }
        let now = MonotonicTime.now
        generation.start(cachedTokens: cached, at: now)
        board.update { $0.counters.cachedTokens += UInt64(cached) }
        output.add(generation.handle, .started(slot: index, cachedTokens: cached))
        reportProgress(of: index, now: now)
        // A prompt may leave a think block open for which there is no budget.
        if !generation.isAtTokenLimit { steer(index) }
        obeyWaiting(generation)
    }

    func reportProgress(of index: Int, now: MonotonicTime) {
        guard let generation = slots[index].generation, generation.request.reportsProgress,
            let started = generation.started, generation.predicted == 0, generation.request.continuation.isEmpty
        else { return }
        output.add(
            generation.handle,
            .promptProgress(
                PromptProgress(
                    total: generation.promptCount, cached: generation.cachedTokens,
                    processed: slots[index].memoryCount, elapsed: now - started)))
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

    /// Takes the sequence of the generation that has been paused for longest. Its memory is used again if it goes on
    /// before others have taken it, and computed anew if not.
    ///
    /// - Returns: whether there was one.
    private func parkOne() -> Bool {
        let paused = slots.filter { $0.generation?.isPaused ?? false }
        guard let slot = paused.min(by: { $0.lastUsed < $1.lastUsed }), let generation = release(slot.index) else {
            return false
        }
        slots[slot.index].tokens = Array(generation.history[..<slot.memoryCount])
        parked.append(generation)
        return true
    }

    /// Ends the generation of a sequence, whose memory is kept for a prompt that begins alike.
    func finish(_ index: Int, _ reason: Completion.Reason) {
        guard let generation = release(index) else { return }
        end(generation, reason)
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

    private func release(_ index: Int) -> Generation? {
        suspects.remove(index)
        slots[index].lastUsed = turn
        defer { slots[index].generation = nil }
        return slots[index].generation
    }

    /// Adds the last event of a generation.
    func end(_ generation: Generation, _ reason: Completion.Reason) {
        let start = output.bytes.count
        generation.finishText(into: &output.bytes)
        let timings = generation.timings(now: .now)
        board.update { status in
            status.counters.promptTime += timings.promptTime
            status.counters.predictedTime += timings.predictedTime
            status.counters.longestContext = max(status.counters.longestContext, generation.history.count)
        }
        output.addFinish(
            generation.handle, Completion(reason: reason, timings: timings), textFrom: start,
            generation.finishProbabilities())
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
        EngineError(.overloaded, "The queue is full: \(limit) generations wait already.")
    }
}
