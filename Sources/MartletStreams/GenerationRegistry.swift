package import MartletObservability
package import MartletProtocol
package import NIOCore
internal import Synchronization

/// Every generation that runs, and the way of the engine's events into their logs.
///
/// Thread: every method may be called from any thread. Lock order: the registry's, then a log's; the engine and readers
/// are called with neither held.
package final class GenerationRegistry: EngineEventReceiver {
    private struct State {
        var engine: (any EngineService)?
        var live: [GenerationHandle: LiveGeneration] = [:]
        /// How many of them each owner has.
        var owned: [String: Int] = [:]
        var lastHandle: UInt64 = 0
        var metrics = GenerationMetrics()
        var idleWaiters: [LogWaiter] = []
        /// Set when nothing is accepted any more: what new generations end with.
        var closing: EngineError?

        mutating func removeGeneration(at index: Dictionary<GenerationHandle, LiveGeneration>.Index) {
            guard let owner = live.remove(at: index).value.owner, let count = owned[owner] else { return }
            owned[owner] = count > 1 ? count - 1 : nil
        }
    }
    private let state = Mutex(State())
    private let quota: GenerationQuota
    private let clock: @Sendable () -> NIODeadline
    private let stateChanged: @Sendable (EngineState) -> Void

    /// - Parameters:
    ///   - quota: how many generations may be live.
    ///   - stateChanged: called when the engine changes its state, on the engine's thread.
    ///   - clock: read once for each call of `prepare` and `receive`.
    package init(
        quota: GenerationQuota = GenerationQuota(), stateChanged: @escaping @Sendable (EngineState) -> Void = { _ in },
        clock: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.quota = quota
        self.clock = clock
        self.stateChanged = stateChanged
    }

    /// Names the engine that generations are handed to. To be called before the first `submit`.
    package func connect(to engine: any EngineService) {
        state.withLock { $0.engine = engine }
    }

    /// How many generations have not ended, those that wait for the model included.
    package var liveCount: Int {
        state.withLock { $0.live.count }
    }

    /// How generations went so far.
    package var metrics: GenerationMetrics {
        state.withLock { $0.metrics }
    }

    // MARK: From clients

    /// Makes the log of a new generation. It is live from now on, though the engine does not know of it yet.
    /// - Parameter owner: whose quota it counts against; `nil` = only that of all together.
    /// - Throws: when the quota leaves no room for it.
    package func prepare(
        _ head: LogHead, for owner: String? = nil
    ) throws(GenerationQuota.Excess) -> (handle: GenerationHandle, log: GenerationLog) {
        let log = GenerationLog(head: head)
        let begin = clock()
        let (handle, closing) = try state.withLock { state throws(GenerationQuota.Excess) in
            try quota.check(live: state.live.count, ofOwner: owner.flatMap { state.owned[$0] } ?? 0)
            state.lastHandle += 1
            let handle = GenerationHandle(rawValue: state.lastHandle)
            if state.closing == nil {
                state.live[handle] = LiveGeneration(
                    log: log, owner: owner, series: state.metrics.index(of: head.model), begin: begin)
                if let owner { state.owned[owner, default: 0] += 1 }
            }
            return (handle, state.closing)
        }
        if let closing { log.append(.failed(closing)) }
        return (handle, log)
    }

    /// Hands a prepared generation to the engine, unless it has ended meanwhile.
    package func submit(_ request: GenerationRequest, splitter: (any OutputSplitter)? = nil) {
        let handle = request.handle
        let engine = state.withLock { state -> (any EngineService)? in
            guard let engine = state.engine, state.live[handle] != nil else { return nil }
            state.live[handle]?.setSplitter(splitter)
            state.live[handle]?.stage = .submitting(isCancelled: false)
            return engine
        }
        guard let engine else { return }
        engine.submit(request)
        let isCancelled = state.withLock { state in
            guard case .submitting(let isCancelled) = state.live[handle]?.stage else { return false }
            state.live[handle]?.stage = .submitted
            return isCancelled
        }
        if isCancelled { engine.cancel(handle) }
    }

    /// Ends a generation that the engine does not know of with an error.
    package func fail(_ handle: GenerationHandle, _ error: EngineError) {
        receive([EngineEvent(handle, .failed(error))])
    }

    /// Ends a generation wherever it is. One that has ended is left alone.
    package func cancel(_ handle: GenerationHandle) {
        var engine: (any EngineService)?
        let isPrepared = state.withLock { state in
            switch state.live[handle]?.stage {
            case nil: break
            case .prepared: return true
            case .submitting: state.live[handle]?.stage = .submitting(isCancelled: true)
            case .submitted: engine = state.engine
            }
            return false
        }
        engine?.cancel(handle)
        if isPrepared {
            receive([EngineEvent(handle, .finished(Completion(reason: .cancelled, timings: Timings()), text: []))])
        }
    }

    /// Ends every generation with `error`, and every later one at once.
    package func close(_ error: EngineError) {
        let (engine, handles) = state.withLock { state in
            state.closing = error
            return (state.engine, Array(state.live.keys))
        }
        receive(handles.map { EngineEvent($0, .failed(error)) })
        for handle in handles { engine?.cancel(handle) }
    }

    /// Returns when no generation is live, or when `timeout` has passed on `eventLoop`.
    package func waitUntilIdle(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        let waiter = LogWaiter(threshold: 0)
        let mustWait = state.withLock { state in
            guard !state.live.isEmpty else { return false }
            state.idleWaiters.append(waiter)
            return true
        }
        guard mustWait else { return }
        let timer = eventLoop.scheduleTask(in: timeout) { waiter.resume() }
        await waiter.value()
        timer.cancel()
    }

    // MARK: From the engine

    package func receive(_ events: [EngineEvent]) {
        var wakeups = Wakeups()
        let now = clock()
        state.withLock { state in
            for event in events {
                guard let index = state.live.index(forKey: event.handle) else { continue }
                let series = state.live.values[index].series
                state.live.values[index].measure(event.kind, at: now, in: &state.metrics.series[series])
                let isEnded = state.live.values[index].take(event, wakeups: &wakeups)
                if isEnded { state.removeGeneration(at: index) }
            }
            guard state.live.isEmpty, !state.idleWaiters.isEmpty else { return }
            wakeups.waiters.append(contentsOf: state.idleWaiters)
            state.idleWaiters = []
        }
        wakeups.send()
    }

    package func engineStateChanged(_ newState: EngineState) {
        stateChanged(newState)
    }
}
