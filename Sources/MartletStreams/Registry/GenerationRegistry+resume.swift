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
            return state.retentionStore.generation(id: id, of: owner)
        }
    }

    /// The newest generation of the conversation that its owner calls `label`.
    package func generation(labelled label: String, of owner: Owner) -> Generation? {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generation(labelled: label, of: owner)
        }
    }

    /// The newest generations of the conversations that their owner calls `label`, or `label::` and more.
    package func generations(labelledLike label: String, of owner: Owner) -> [Generation] {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generations(labelledLike: label, of: owner)
        }
    }

    /// All that can be asked for, the newest first.
    package func generations(of owner: Owner) -> [Generation] {
        let now = clock()
        return state.withLock { state in
            state.sweep(at: now, retention)
            return state.retentionStore.generations(of: owner)
        }
    }

    /// Where a generation stands.
    package func status(of generation: Generation) -> GenerationStatus {
        state.withLock { state in
            var status = GenerationStatus(generation)
            status.finished = state.retentionStore.finished(generation)
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

    /// Lets go what has been kept long enough.
    package func sweep() {
        let now = clock()
        state.withLock { $0.sweep(at: now, retention) }
    }

    /// Looks after a generation for as long as it lives: pings into its silence, and its end when nobody reads it.
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

    /// - Returns: when to look again; `nil` = never.
    private func monitor(_ generation: Generation, at now: NIODeadline) -> NIODeadline? {
        let handle = generation.handle
        let latest = state.withLock { state in generation.handles.compactMap { state.live[$0]?.lastOutput }.max() }
        guard let lastOutput = latest else { return nil }
        var next: NIODeadline?
        if let interval = generation.spec.pingInterval {
            var due = lastOutput + interval
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
                    handle, EngineError(.abandoned, "Nobody read this answer for \(seconds) seconds (--orphan-timeout)")
                )
                return nil
            }
            next = min(next ?? due, due)
        }
        return next
    }

    /// Gives a sign of life to all readers, in the same place for all.
    ///
    /// As long as events are missing that an earlier process told, a ping would stand where clients that count bytes
    /// have seen something else. Then the others get one that has no place.
    func ping(_ generation: Generation) {
        if generation.log.isBehind { generation.log.sendUnloggedPing() } else { apply([(generation.handle, .ping)]) }
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
                    guard isRecorded, live.generation.spec.isResumable else {
                        return (handle, .engine(EngineEvent(handle, .failed(error))))
                    }
                    return (handle, live.generation.log.isBehind ? .parted : .handedOver)
                }
            )
        }
        apply(inputs)
        for (handle, _) in inputs { engine?.cancel(handle) }
    }
}
