package import MartletObservability
internal import MartletPlatform
package import MartletProtocol
package import NIOCore
internal import Synchronization

/// Every generation that runs or is kept, and the way of the engine's events into their logs.
///
/// Thread: every method may be called from any thread. Lock order: the registry's, then a log's; the engine and readers
/// are called with neither held.
package final class GenerationRegistry: EngineEventReceiver {
    struct State {
        var engine: (any EngineService)?
        var recorder: (any GenerationRecorder)?
        var live: [GenerationHandle: LiveGeneration] = [:]
        /// Generations of an earlier process whose journals are being read; no lookup finds them.
        var restoring: [GenerationHandle: LiveGeneration] = [:]
        var retentionStore = RetentionStore()
        var tombstones = Tombstones()
        var usage: [Owner: GenerationQuota.Usage] = [:]
        var totalUsage = GenerationQuota.Usage()
        /// Lower handles are reserved for generations of earlier processes.
        var lastHandle: UInt64 = 1 << 32
        var lastRestoredHandle: UInt64 = 0
        var lastControl: UInt64 = 0
        var metrics = GenerationMetrics()
        var idleWaiters: [LogWaiter] = []
        /// Choices that the engine still writes though their generation has failed.
        var orphans: [GenerationHandle] = []
        /// Generations that took an input while orders to them wait.
        var commandTargets: [GenerationHandle] = []
        /// Resumable generations that took inputs in this step.
        var commitCandidates: [Generation] = []
        /// Set when nothing is accepted any more: what new generations end with.
        var closing: EngineError?
    }
    let state = Mutex(State())
    let quota: GenerationQuota
    let retention: Retention
    let clock: @Sendable () -> NIODeadline
    let calendar: @Sendable () -> Int64
    private let stateChanged: @Sendable (EngineState) -> Void

    /// How long resumable generations stay.
    package struct Retention: Sendable {
        /// How long one that has ended is kept.
        package var time = TimeAmount.hours(1)
        /// How long one may go on that nobody reads; `nil` = for ever. Background generations may always.
        package var orphanTime: TimeAmount? = .minutes(10)

        package init() {}
    }

    /// - Parameters:
    ///   - quota: how many generations may be live and kept.
    ///   - stateChanged: called when the engine changes its state, on the engine's thread.
    ///   - clock: read once for each call of `prepare` and `receive`.
    ///   - calendar: seconds since 1970.
    package init(
        quota: GenerationQuota = GenerationQuota(), retention: Retention = Retention(),
        stateChanged: @escaping @Sendable (EngineState) -> Void = { _ in },
        clock: @escaping @Sendable () -> NIODeadline = { .now() },
        calendar: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) {
        self.quota = quota
        self.retention = retention
        self.clock = clock
        self.calendar = calendar
        self.stateChanged = stateChanged
    }

    /// Names the engine that generations are handed to. To be called before the first `submit`.
    package func connect(to engine: any EngineService) {
        state.withLock { $0.engine = engine }
    }

    /// Names who keeps resumable generations beyond the process. To be called before the first `prepare`.
    package func record(with recorder: any GenerationRecorder) {
        state.withLock { $0.recorder = recorder }
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

    /// Makes a new generation. It is live from now on, though the engine does not know of it yet.
    /// - Throws: when the quota leaves no room for it.
    package func prepare(_ spec: GenerationSpec) throws(GenerationQuota.Excess) -> Generation {
        let begin = clock()
        let (generation, closing) = try state.withLock { state throws(GenerationQuota.Excess) in
            state.sweep(at: begin, retention)
            if spec.isResumable { state.makeRoom(for: spec.owner, quota) }
            try quota.check(
                all: state.totalUsage, own: state.usage[spec.owner] ?? .init(), owner: spec.owner,
                isResumable: spec.isResumable, count: spec.choiceCount)
            return (state.insert(spec, begin: begin), state.closing)
        }
        if let closing { fail(generation.handle, closing) }
        return generation
    }

    /// Does work that is no generation and counts as one for the quota of live ones.
    /// - Throws: `GenerationQuota.Excess` when there is no room for it.
    package func withAdmission<Result>(of owner: Owner, _ body: () async throws -> Result) async throws -> Result {
        try state.withLock { state throws(GenerationQuota.Excess) in
            try quota.check(
                all: state.totalUsage, own: state.usage[owner] ?? .init(), owner: owner, isResumable: false)
            state.count(owner) { $0.live += 1 }
        }
        defer { state.withLock { $0.count(owner) { $0.live -= 1 } } }
        return try await body()
    }

    /// Hands a prepared generation to the engine, unless it has ended meanwhile.
    /// - Parameter forkContext: what the server wants to know again of the client's request while the generation lives.
    package func submit(
        _ request: GenerationRequest, parser: (any OutputParsing)? = nil, forkContext: (any Sendable)? = nil
    ) {
        submitToEngine(request) { live in
            live.setParser(parser)
            live.forkContext = forkContext
        }
    }

    /// Hands the rest of a restored generation to the engine, unless it has ended meanwhile.
    package func resubmit(_ request: GenerationRequest) {
        submitToEngine(request) { _ in }
    }

    private func submitToEngine(_ request: GenerationRequest, _ prepare: (LiveGeneration) -> Void) {
        let handle = request.handle
        let now = clock()
        let engine = state.withLock { state -> (any EngineService)? in
            guard let engine = state.engine, let live = state.live[handle] else { return nil }
            let generation = live.generation
            prepare(live)
            generation.reach(.submitted, at: now)
            live.request = request
            live.stage = .submitting(isCancelled: false)
            if generation.spec.isResumable { state.recorder?.submit(request, of: generation) }
            return engine
        }
        guard let engine else { return }
        engine.submit(request)
        let isCancelled = state.withLock { state in
            guard let live = state.live[handle], case .submitting(let isCancelled) = live.stage else { return false }
            live.stage = .submitted
            return isCancelled
        }
        sendCommands(to: handle)
        if isCancelled { engine.cancel(handle) }
    }

    /// Says that the client has been told of a generation, so that it can ask for it, also before the engine's yes.
    package func publishID(of generation: Generation) {
        state.withLock { state in
            guard let live = state.live[generation.handle], generation.spec.isResumable else { return }
            live.hasPublishedID = true
            if !live.isAdmitted { state.retentionStore.publishID(of: generation) }
        }
    }

    /// Ends a generation that the engine does not know of with an error.
    package func fail(_ handle: GenerationHandle, _ error: EngineError) {
        receive([EngineEvent(handle, .failed(error))])
    }

    /// Ends a generation wherever it is. One that has ended is left alone.
    /// - Parameter overridingError: what it fails with; `nil` = it counts as finished.
    /// - Returns: whether the generation was live.
    @discardableResult
    package func cancel(_ handle: GenerationHandle, _ overridingError: EngineError? = nil) -> Bool {
        let (isLive, engine, submitted, prepared) = state.withLock { state in
            var submitted: [GenerationHandle] = []
            var prepared: [GenerationHandle] = []
            for handle in state.live[handle]?.generation.handles ?? [] {
                guard let live = state.live[handle], live.completion == nil else { continue }
                if let overridingError { live.overridingError = overridingError }
                switch live.stage {
                case .prepared: prepared.append(handle)
                case .submitting: live.stage = .submitting(isCancelled: true)
                case .submitted: submitted.append(handle)
                }
            }
            return (state.live[handle] != nil, state.engine, submitted, prepared)
        }
        for handle in submitted { engine?.cancel(handle) }
        guard !prepared.isEmpty else { return isLive }
        let completion = GenerationSummary(reason: .cancelled, timings: Timings())
        receive(prepared.map { EngineEvent($0, .finished(completion, text: [])) })
        return isLive
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

    /// Returns when no generation is live, when `timeout` has passed on `eventLoop`, or when the task is cancelled.
    package func waitUntilIdle(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        let waiter = LogWaiter()
        let mustWait = state.withLock { state in
            guard !state.live.isEmpty else { return false }
            state.idleWaiters.append(waiter)
            return true
        }
        guard mustWait else { return }
        let timer = eventLoop.scheduleTask(in: timeout) { waiter.resume() }
        await withTaskCancellationHandler {
            await waiter.value()
        } onCancel: {
            waiter.resume()
        }
        timer.cancel()
    }

    // MARK: From the engine

    package func receive(_ events: [EngineEvent]) {
        apply(events.lazy.map { ($0.handle, .engine($0)) })
    }

    /// Writes inputs into the logs that they belong to.
    func apply(_ inputs: some Sequence<(GenerationHandle, GenerationInput)>) {
        var wakeups = Wakeups()
        let now = clock()
        let (superseded, orphans, commandTargets, engine) = state.withLock { state in
            var superseded: [GenerationHandle] = []
            for (handle, input) in inputs {
                if let old = state.apply(input, to: handle, at: now, wakeups: &wakeups, calendar: calendar) {
                    superseded.append(old)
                }
            }
            state.trim(quota)
            if state.live.isEmpty, !state.idleWaiters.isEmpty {
                wakeups.waiters.append(contentsOf: state.idleWaiters)
                state.idleWaiters = []
            }
            for generation in state.commitCandidates { state.recorder?.requestCommit(of: generation) }
            defer { (state.orphans, state.commandTargets, state.commitCandidates) = ([], [], []) }
            return (superseded, state.orphans, state.commandTargets, state.engine)
        }
        wakeups.send()
        for handle in commandTargets { sendCommands(to: handle) }
        for handle in superseded { cancel(handle) }
        for handle in orphans { engine?.cancel(handle) }
    }

    package func engineStateChanged(_ newState: EngineState) {
        stateChanged(newState)
    }
}
