package import MartletProtocol
internal import NIOCore
internal import Synchronization

/// Lookups, status, timers and the handover of generations.
extension GenerationRegistry {
    // MARK: Finding

    /// The resumable generation with an id.
    /// - Parameter id: without the prefix of a wire format.
    /// - Returns: `nil` also for a generation of another owner.
    package func generation(id: String, of owner: Owner) -> Generation? {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generation(id: id, of: owner)
        }
    }

    /// The newest generation of a label.
    package func generation(labelled label: String, of owner: Owner) -> Generation? {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generation(labelled: label, of: owner)
        }
    }

    /// The newest generation of each label that is `label` or begins with `label::`.
    package func generations(labelledLike label: String, of owner: Owner) -> [Generation] {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generations(labelledLike: label, of: owner)
        }
    }

    /// All resumable generations of an owner, running and retained, the newest first.
    package func generations(of owner: Owner) -> [Generation] {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generations(of: owner)
        }
    }

    /// The state of a generation, its counts, and its position in the queue.
    package func status(of generation: Generation) -> GenerationStatus {
        var status = GenerationStatus(generation)
        switch status.state {
        case .queued: status.queuePosition = queuePosition(of: generation)
        case .running: break
        case .finished, .cancelled, .failed:
            status.finished = finished(generation)
            guard status.finished == nil, let live = lookUp(generation.handle).live else { break }
            // The log has just ended: with the generation's lock released, the registry knows the time.
            live.state.withLock { _ in }
            status.finished = finished(generation)
        }
        return status
    }

    /// The time of the end of a retained generation, in seconds since 1970.
    private func finished(_ generation: Generation) -> Int64? {
        state.withLock { $0.retentionStore.finished(generation) }
    }

    /// The number of choices that began earlier and have no sequence yet.
    private func queuePosition(of generation: Generation) -> Int {
        state.withLock { state in
            state.live.reduce(0) { count, entry in
                let (handle, live) = entry
                // A generation counts once, under its own handle, with all of its choices.
                guard handle == live.generation.handle, handle.rawValue < generation.handle.rawValue else {
                    return count
                }
                return count + live.queuedChoiceCount.load(ordering: .relaxed)
            }
        }
    }

    /// The time that a generation has spent in each phase so far.
    package func timing(of generation: Generation) -> GenerationTiming {
        let timeline = generation.timeline
        let (plain, numbered) = (generation.response.delivery, generation.numberedResponse.delivery)
        var timing = GenerationTiming(
            timeline: timeline,
            total: timeline[.ended] ?? .nanoseconds(max(0, (clock() - generation.begin).nanoseconds)),
            tokenCount: generation.log.extent.tokenCount,
            delivery: (time: plain.time + numbered.time, byteCount: plain.byteCount + numbered.byteCount))
        if case .finished(let completion) = generation.log.terminalEvent { timing.engine = completion.timings }
        (timing.promptTokens, timing.cachedTokens) = generation.log.promptCounts
        return timing
    }

    // MARK: Time

    /// Removes generations and tombstones whose time of retention has passed.
    package func sweep() {
        let now = clock()
        state.withLock { $0.sweep(at: now, retention) }
    }

    /// Watches a running generation: pings a silent stream, and ends a generation that has had no reader for too long.
    ///
    /// Thread: the wheel's event loop.
    package func monitor(_ generation: Generation, on wheel: TimerWheel) {
        let spec = generation.spec
        guard spec.pingInterval != nil || spec.lifetime == .resumable && retention.orphanTime != nil else { return }
        guard let first = monitor(generation, at: generation.begin) else { return }
        wheel.add(at: first) { [self, weak generation] now in
            generation.flatMap { monitor($0, at: now) }
        }
    }

    /// Does what is due at `now`.
    /// - Returns: the time of the next call; `nil` = none, because the generation does not run any more.
    private func monitor(_ generation: Generation, at now: NIODeadline) -> NIODeadline? {
        let handle = generation.handle
        guard lookUp(handle).live != nil else { return nil }
        var next: NIODeadline?
        if let interval = generation.spec.pingInterval {
            var due = generation.lastOutput + interval
            if due <= now {
                ping(generation)
                due = now + interval
            }
            next = due
        }
        if generation.spec.lifetime == .resumable, let orphanTime = retention.orphanTime {
            let due = (generation.readerlessSince ?? now) + orphanTime
            if due <= now {
                let seconds = orphanTime.nanoseconds / 1_000_000_000
                cancel(
                    handle,
                    EngineError(.abandoned, "The generation had no reader for \(seconds) seconds (--orphan-timeout)")
                )
                return nil
            }
            next = min(next ?? due, due)
        }
        return next
    }

    /// Writes a ping into the log, so that all readers receive it at the same position.
    ///
    /// While the log lacks events that an earlier process emitted, a ping in the log would have the position of other
    /// bytes. Then readers that do not count bytes receive a ping that is not in the log.
    func ping(_ generation: Generation) {
        if generation.log.isBehind { generation.log.sendUnloggedPing() } else { apply([(generation.handle, .ping)]) }
    }

    // MARK: The end of the process

    /// Leaves the resumable generations to the next process, and ends the plain generations with `error`.
    ///
    /// Readers of a resumable generation receive an event that says so. No later input changes such a generation.
    /// Without a recorder no process could continue it, so all generations end.
    package func handOver(_ error: EngineError) {
        let (isRecorded, live) = state.withLock { state in
            state.closing = error
            return (state.recorder != nil, state.live)
        }
        let inputs = live.map { handle, live -> (GenerationHandle, GenerationInput) in
            guard isRecorded, live.generation.spec.isResumable else {
                return (handle, .engine(EngineEvent(handle, .failed(error))))
            }
            return (handle, live.generation.log.isBehind ? .handedOverIncomplete : .handedOver)
        }
        apply(inputs)
        for (handle, live) in live { engine(of: live.generation)?.cancel(handle) }
    }
}
