package import MartletProtocol
internal import NIOCore
internal import Synchronization

/// What clients do with generations that they did not just begin.
extension GenerationRegistry {
    // MARK: Finding

    /// - Parameter id: without a prefix.
    /// - Returns: `nil` also when it is another owner's.
    package func generation(id: String, of owner: Owner) -> Generation? {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.shelf.generation(id: id, of: owner)
        }
    }

    /// The newest generation of the conversation that its owner calls `label`.
    package func generation(labelled label: String, of owner: Owner) -> Generation? {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.shelf.generation(labelled: label, of: owner)
        }
    }

    /// The newest generations of the conversations that their owner calls `label`, or `label::` and more.
    package func generations(labelledLike label: String, of owner: Owner) -> [Generation] {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.shelf.generations(labelledLike: label, of: owner)
        }
    }

    /// All that can be asked for, the newest first.
    package func generations(of owner: Owner) -> [Generation] {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.shelf.generations(of: owner)
        }
    }

    /// Where a generation stands.
    package func status(of generation: Generation) -> GenerationStatus {
        state.withLock { state in
            var status = GenerationStatus(generation)
            status.finished = state.shelf.finished(generation)
            if case .queued = status.state {
                let handle = generation.handle.rawValue
                status.queuePosition = state.live.values.count {
                    !$0.isStarted && $0.generation.handle.rawValue < handle
                }
            }
            return status
        }
    }

    /// Where a generation's time went so far.
    package func timing(of generation: Generation) -> GenerationTiming {
        let timeline = generation.timeline
        let (plain, numbered) = (generation.response.writing, generation.numberedResponse.writing)
        var timing = GenerationTiming(
            timeline: timeline,
            total: timeline[.ended] ?? .nanoseconds(max(0, (clock() - generation.begin).nanoseconds)),
            tokenCount: generation.log.extent.tokenCount,
            writing: (time: plain.time + numbered.time, byteCount: plain.byteCount + numbered.byteCount))
        if case .finished(let completion) = generation.log.terminalEvent { timing.engine = completion.timings }
        (timing.promptTokens, timing.cachedTokens) = generation.log.promptCounts
        return timing
    }

    // MARK: Stopping

    /// Ends a generation and returns when that has happened.
    package func stop(_ generation: Generation) async {
        cancel(generation.handle)
        await generation.log.waitForEnd()
        stopRecording(generation)
    }

    /// Ends whatever runs under a label and returns when that has happened.
    package func stop(labelled label: String, of owner: Owner) async {
        let generations = state.withLock { $0.shelf.generations(labelled: label, of: owner) }
        for generation in generations { cancel(generation.handle) }
        for generation in generations {
            await generation.log.waitForEnd()
            stopRecording(generation)
        }
    }

    /// What was stopped by order does not outlive the process, though it can be replayed until then.
    private func stopRecording(_ generation: Generation) {
        guard generation.terms.isResumable else { return }
        state.withLock { $0.recorder?.forget(generation) }
    }

    // MARK: Time

    /// Lets go what has been kept long enough.
    package func sweep() {
        let now = clock()
        state.withLock { $0.sweep(at: now, retention) }
    }

    /// Looks after a generation for as long as it lives: pings into its silence, and its end when nobody reads it.
    ///
    /// Thread: the wheel's event loop.
    package func attend(to generation: Generation, on wheel: TimerWheel) {
        let terms = generation.terms
        guard terms.pingInterval != nil || terms.lifetime == .resumable && retention.orphanTime != nil else { return }
        guard let first = attend(to: generation, at: generation.begin) else { return }
        wheel.add(at: first) { [self, weak generation] now in
            generation.flatMap { attend(to: $0, at: now) }
        }
    }

    /// - Returns: when to look again; `nil` = never.
    private func attend(to generation: Generation, at now: NIODeadline) -> NIODeadline? {
        let handle = generation.handle
        let shown = state.withLock { state in generation.handles.compactMap { state.live[$0]?.lastShown }.max() }
        guard let lastShown = shown else { return nil }
        var next: NIODeadline?
        if let interval = generation.terms.pingInterval {
            var due = lastShown + interval
            if due <= now {
                take([(handle, .ping)])
                due = now + interval
            }
            next = due
        }
        if generation.terms.lifetime == .resumable, let orphanTime = retention.orphanTime {
            let due = (generation.abandoned ?? now) + orphanTime
            if due <= now {
                let seconds = orphanTime.nanoseconds / 1_000_000_000
                cancel(
                    handle, EngineError(.abandoned, "Nobody read this answer for \(seconds) seconds (--orphan-timeout)")
                )
                return nil
            }
            next = min(next ?? due, due)
        }
        return next
    }

    // MARK: The end of the process

    /// Says to readers of resumable generations that these go on later, and ends the others with `error`.
    ///
    /// Nothing changes a generation that was handed over. Without a recorder none can go on, so all end.
    package func handOver(_ error: EngineError) {
        let (engine, inputs) = state.withLock { state in
            state.closing = error
            let isRecorded = state.recorder != nil
            return (
                state.engine,
                state.live.map { handle, live -> (GenerationHandle, GenerationInput) in
                    let isGoingOn = isRecorded && live.generation.terms.isResumable
                    return (handle, isGoingOn ? .handedOver : .engine(EngineEvent(handle, .failed(error))))
                }
            )
        }
        take(inputs)
        for (handle, _) in inputs { engine?.cancel(handle) }
    }

    /// Brings a generation of an earlier process back, with all that happened to it. Nothing of it is recorded again.
    /// - Parameters:
    ///   - inputs: in the order in which they came; each with the number of the choice that it concerns.
    ///   - splitter: as it was at the beginning, of every choice; the inputs go through it again.
    ///   - finished: when it ended, in seconds since 1970, if it did.
    /// - Returns: the generation; live unless its inputs ended it. It is for the caller to submit it again.
    package func restore(
        _ terms: GenerationTerms, inputs: [(choice: Int, input: GenerationInput)], splitter: (any OutputSplitter)?,
        finished: Int64? = nil
    ) -> Generation {
        let now = clock()
        let age = TimeAmount.seconds(max(finished.map { calendar() - $0 } ?? 0, 0))
        let (generation, superseded) = state.withLock { state in
            let recorder = state.recorder
            state.recorder = nil
            defer { state.recorder = recorder }
            let generation = state.insert(terms, begin: now, isRestored: true)
            for handle in generation.handles { state.live[handle]?.setSplitter(splitter) }
            state.live[generation.handle]?.isAnnounced = true
            state.shelf.announce(generation)
            var wakeups = Wakeups()
            let superseded = inputs.compactMap { choice, input in
                state.take(
                    input, for: generation.handle(ofChoice: choice), at: now - age, isNew: false, wakeups: &wakeups
                ) { finished ?? calendar() }
            }
            // The engine of this process knows none of them yet.
            state.orphans = []
            return (generation, superseded)
        }
        for handle in superseded { cancel(handle) }
        return generation
    }
}
