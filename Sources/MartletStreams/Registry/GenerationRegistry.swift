package import MartletObservability
internal import MartletPlatform
package import MartletProtocol
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// All running and retained generations, and the way of the engine's events into their logs.
///
/// Thread: every method may be called from any thread.
///
/// Lock order: a live generation's lock, then the registry's, then a log's. The registry's lock protects its maps only:
/// one acquisition per frame finds the frame's generations, and one more per generation follows when a generation was
/// admitted, ended, or grew by `byteCountStep`. The engine, readers and waiters are called with no lock held.
package final class GenerationRegistry: EngineEventReceiver {
    struct State {
        var engine: (any EngineService)?
        var recorder: (any GenerationRecorder)?
        /// Each handle of a generation leads to the same object.
        var live: [GenerationHandle: LiveGeneration] = [:]
        var retentionStore = RetentionStore()
        var tombstones = Tombstones()
        var usage: [Owner: GenerationQuota.Usage] = [:]
        var totalUsage = GenerationQuota.Usage()
        /// Lower handles are reserved for generations of earlier processes.
        var lastHandle: UInt64 = 1 << 32
        var lastRestoredHandle: UInt64 = 0
        var idleWaiters: [LogWaiter] = []
        /// The error of every new generation; set when the registry accepts no generation any more.
        var closing: EngineError?
    }
    let state = Mutex(State())
    private let measurements = Mutex(GenerationMetrics())
    /// The number of the newest control command.
    let lastCommand = Atomic<UInt64>(0)
    /// The growth of a log, in bytes, that the registry counts at once. Smaller growth is counted with the next change.
    let byteCountStep: Int
    let quota: GenerationQuota
    let retention: Retention
    let clock: @Sendable () -> NIODeadline
    /// The time in seconds since 1970.
    package let calendar: @Sendable () -> Int64
    /// Makes the ids of new generations, as `LogHead.makeID` does.
    package let makeID: @Sendable () -> String
    let timerLoop: @Sendable () -> any EventLoop
    private let stateChanged: @Sendable (EngineState) -> Void

    /// Times after which resumable generations are removed or ended.
    package struct Retention: Sendable {
        /// The time for which an ended generation is retained.
        package var time = TimeAmount.hours(1)
        /// The time for which a resumable generation may run without a reader; `nil` = without a limit. Background
        /// generations need no reader.
        package var orphanTime: TimeAmount? = .minutes(10)

        package init() {}
    }

    /// - Parameters:
    ///   - quota: limits on running and retained generations.
    ///   - stateChanged: called when the engine changes its state, on the engine's thread.
    ///   - clock: the time; read once for each call of `prepare` and `receive`.
    ///   - calendar: the time in seconds since 1970.
    ///   - makeID: makes the id of a new generation: 32 hexadecimal digits that a client cannot guess.
    ///   - timerLoop: chooses the event loop for timers that belong to no connection.
    package init(
        quota: GenerationQuota = GenerationQuota(), retention: Retention = Retention(),
        stateChanged: @escaping @Sendable (EngineState) -> Void = { _ in },
        clock: @escaping @Sendable () -> NIODeadline = { .now() },
        calendar: @escaping @Sendable () -> Int64 = { Int64(time(nil)) },
        makeID: @escaping @Sendable () -> String = LogHead.makeID,
        timerLoop: @escaping @Sendable () -> any EventLoop = GenerationRegistry.sharedEventLoop
    ) {
        self.quota = quota
        byteCountStep = max(1, min(4_096, quota.bytes / 1_024, quota.bytesPerOwner / 1_024))
        self.retention = retention
        self.clock = clock
        self.calendar = calendar
        self.makeID = makeID
        self.timerLoop = timerLoop
        self.stateChanged = stateChanged
    }

    /// One of the event loops that all servers of the process share.
    package static let sharedEventLoop: @Sendable () -> any EventLoop = { MultiThreadedEventLoopGroup.singleton.any() }

    /// Sets the engine of generations whose spec names no model. To be called before the first `submit`.
    package func connect(to engine: any EngineService) {
        state.withLock { $0.engine = engine }
    }

    /// Sets the recorder of resumable generations. To be called before the first `prepare`.
    package func record(with recorder: any GenerationRecorder) {
        state.withLock { $0.recorder = recorder }
    }

    /// The number of choices that have not ended, queued choices included.
    package var liveCount: Int {
        state.withLock { $0.live.count }
    }

    /// The measurements of all generations so far. Complete for every generation whose end a reader has seen.
    package var metrics: GenerationMetrics {
        measurements.withLock { $0 }
    }

    // MARK: From clients

    /// Makes a new generation. It is live from now on, though the engine does not know it yet.
    /// - Throws: when the quota leaves no room for it.
    package func prepare(_ spec: GenerationSpec) throws(GenerationQuota.Excess) -> Generation {
        let begin = clock()
        let (generation, recorder) = try state.withLock { state throws(GenerationQuota.Excess) in
            state.sweep(at: begin, retention)
            if spec.isResumable { state.makeRoom(for: spec.owner, quota) }
            try quota.check(
                all: state.totalUsage, own: state.usage[spec.owner] ?? .init(), owner: spec.owner,
                isResumable: spec.isResumable, count: spec.choiceCount)
            state.count(spec.owner) { $0.live += spec.choiceCount }
            let generation = Generation(
                spec, handle: GenerationHandle(rawValue: state.lastHandle + 1), begin: begin, timerLoop: timerLoop)
            state.lastHandle += UInt64(spec.choiceCount)
            return (generation, state.recorder)
        }
        let live = LiveGeneration(generation, series: metricSeries(of: spec), recorder: recorder)
        // The recorder learns of the generation before any input can reach it.
        let closing = live.state.withLock { _ in
            let closing = state.withLock { state in
                for handle in generation.handles { state.live[handle] = live }
                if spec.isResumable { state.retentionStore.add(generation) }
                return state.closing
            }
            live.recorder?.begin(generation)
            return closing
        }
        if let closing { fail(generation.handle, closing) }
        return generation
    }

    /// The index of the model's measurements.
    func metricSeries(of spec: GenerationSpec) -> Int { measurements.withLock { $0.index(of: spec.head.model) } }

    /// The live generation that a handle names, and its engine.
    func lookUp(_ handle: GenerationHandle) -> (live: LiveGeneration?, engine: (any EngineService)?) {
        let (live, engine) = state.withLock { ($0.live[handle], $0.engine) }
        return (live, live?.generation.spec.model?.engine ?? engine)
    }

    /// The engine that has the requests of a generation.
    func engine(of generation: Generation) -> (any EngineService)? {
        generation.spec.model?.engine ?? state.withLock { $0.engine }
    }

    /// Does work that is no generation but counts as one running generation for the quota, such as embeddings.
    /// - Throws: `GenerationQuota.Excess` when the quota leaves no room, and the errors of `body`.
    package func withAdmission<Result>(of owner: Owner, _ body: () async throws -> Result) async throws -> Result {
        try state.withLock { state throws(GenerationQuota.Excess) in
            try quota.check(
                all: state.totalUsage, own: state.usage[owner] ?? .init(), owner: owner, isResumable: false)
            state.count(owner) { $0.live += 1 }
        }
        defer { state.withLock { $0.count(owner) { $0.live -= 1 } } }
        return try await body()
    }

    /// Submits one choice of a prepared generation to the engine, unless the choice has ended meanwhile.
    /// - Parameters:
    ///   - parser: splits the output into reasoning, content and tool calls; nil = all output is content.
    ///   - describeParser: makes the form of the parser that the recorder stores. Called with the generation's lock
    ///     held, and only for generations with a recorder.
    ///   - forkContext: the part of the client's request that control commands need.
    package func submit(
        _ request: GenerationRequest, parser: (any OutputParsing)? = nil,
        describeParser: @escaping @Sendable () -> [UInt8] = { [] }, forkContext: (any ForkContext)? = nil
    ) {
        submitToEngine(request) { choice in
            choice.setParser(parser, describe: describeParser)
            choice.forkContext = forkContext
        }
    }

    /// Submits the rest of a restored generation to the engine, unless the generation has ended meanwhile.
    package func resubmit(_ request: GenerationRequest) {
        submitToEngine(request) { _ in }
    }

    private func submitToEngine(_ request: GenerationRequest, _ prepare: (LiveChoice) -> Void) {
        let handle = request.handle
        let now = clock()
        guard case (let live?, let engine?) = lookUp(handle) else { return }
        let isSubmitted = live.state.withLock { state in
            let choice = live.choice(handle, in: state)
            guard choice.lifecycle.beginSubmission() else { return false }
            prepare(choice)
            choice.request = request
            live.generation.reach(.submitted, at: now)
            live.recorder?.submit(
                request, parser: choice.index == 0 ? choice.describeParser() : [], of: live.generation)
            return true
        }
        guard isSubmitted else { return }
        engine.submit(request)
        let isCancelled = live.state.withLock { live.choice(handle, in: $0).lifecycle.endSubmission() }
        sendCommands(to: live)
        if isCancelled { engine.cancel(handle) }
    }

    /// Records that the client knows the id of a generation: lookups find the generation before its admission, and also
    /// after a refusal.
    package func publishID(of generation: Generation) {
        guard generation.spec.isResumable, let live = lookUp(generation.handle).live else { return }
        live.state.withLock { state in
            guard !state.isOver else { return }
            state.isPublished = true
            if !state.isAdmitted { self.state.withLock { $0.retentionStore.publishID(of: generation) } }
        }
    }

    /// Ends a generation that the engine does not know with an error.
    ///
    /// The error is that of the first choice that has not ended: a choice that has ended accepts no event any more.
    package func fail(_ handle: GenerationHandle, _ error: EngineError) {
        let live = lookUp(handle).live
        let open = live?.state.withLock { state in state.choices.first { !$0.lifecycle.isComplete }?.index }
        let target = open.flatMap { live?.generation.handle(ofChoice: $0) } ?? handle
        receive([EngineEvent(target, .failed(error))])
    }

    /// Ends a generation in any state of its lifecycle. An ended generation does not change.
    ///
    /// The engine ends the choices that it has; the registry ends the others.
    /// - Parameter overridingError: the error of the terminal event; `nil` = the generation finishes as cancelled.
    /// - Returns: whether the generation was running.
    @discardableResult
    package func cancel(_ handle: GenerationHandle, _ overridingError: EngineError? = nil) -> Bool {
        let (live, engine) = lookUp(handle)
        guard let live else { return false }
        let (isLive, submitted, waiting) = live.state.withLock { state in
            var submitted: [GenerationHandle] = []
            var waiting: [GenerationHandle] = []
            for choice in state.choices where !state.isOver && choice.lifecycle.completion == nil {
                if let overridingError { choice.overridingError = overridingError }
                let handle = live.generation.handle(ofChoice: choice.index)
                switch choice.lifecycle.cancel() {
                case .endsHere: waiting.append(handle)
                case .needsEngine: submitted.append(handle)
                case .needsNothing: break
                }
            }
            return (!state.isOver, submitted, waiting)
        }
        for handle in submitted { engine?.cancel(handle) }
        guard !waiting.isEmpty else { return isLive }
        let completion = GenerationSummary(reason: .cancelled, timings: Timings())
        receive(waiting.map { EngineEvent($0, .finished(completion, text: [])) })
        return isLive
    }

    /// Ends all generations with `error`, and every later generation right after `prepare`.
    package func close(_ error: EngineError) {
        let live = state.withLock { state in
            state.closing = error
            return state.live
        }
        receive(live.keys.map { EngineEvent($0, .failed(error)) })
        for (handle, live) in live { engine(of: live.generation)?.cancel(handle) }
    }

    /// Returns when no generation runs, when `timeout` has passed on `eventLoop`, or when the task is cancelled.
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

    /// Writes the events of one frame into the logs that they belong to, and wakes each event loop's readers once.
    ///
    /// Thread: any. Must not be called with a lock held.
    ///
    /// - Complexity: O(events); about 0.3 µs for a token, and one acquisition of the lock of each generation.
    package func receive(_ events: [EngineEvent]) {
        apply(events, handle: \.handle) { live, events, now, effects in
            live.apply(events, at: now, of: self, effects: &effects)
        }
    }

    /// Applies inputs to their generations. Inputs of one generation keep their order.
    func apply(_ inputs: [(GenerationHandle, GenerationInput)]) {
        apply(inputs, handle: \.0) { live, inputs, now, effects in
            live.apply(inputs, at: now, of: self, effects: &effects)
        }
    }

    /// Calls `body` with each live generation and its neighbouring elements of a frame, in their order, and then
    /// carries out the consequences. Elements of unknown and ended generations are left out.
    private func apply<Element>(
        _ elements: [Element], handle: (Element) -> GenerationHandle,
        _ body: (LiveGeneration, ArraySlice<Element>, NIODeadline, inout FrameEffects) -> Void
    ) {
        let now = clock()
        let targets = targets(of: elements, handle: handle)
        var effects = FrameEffects()
        effects.samples.reserveCapacity(elements.count)
        var begin = 0
        while begin < elements.count {
            var end = begin + 1
            while end < targets.count, targets[end] === targets[begin] { end += 1 }
            if let live = targets[begin] { body(live, elements[begin..<end], now, &effects) }
            begin = end
        }
        carryOut(effects)
    }

    /// The live generations of a frame's elements; nil for elements whose generation is unknown or has ended.
    ///
    /// The only acquisition of the registry's lock for a frame that changes no map.
    private func targets<Element>(
        of elements: [Element], handle: (Element) -> GenerationHandle
    ) -> [LiveGeneration?] {
        var targets: [LiveGeneration?] = []
        targets.reserveCapacity(elements.count)
        state.withLock { state in
            for element in elements { targets.append(state.live[handle(element)]) }
        }
        return targets
    }

    /// Carries out what a frame caused. No lock is held.
    func carryOut(_ effects: FrameEffects) {
        if !effects.samples.isEmpty { measurements.withLock { $0.record(effects.samples) } }
        effects.wakeups.send()
        for handle in effects.commandTargets { if let live = lookUp(handle).live { sendCommands(to: live) } }
        for handle in effects.superseded { cancel(handle) }
        for (handle, generation) in effects.orphans { engine(of: generation)?.cancel(handle) }
        for generation in effects.ended { generation.spec.onEnd?() }
    }

    /// Passes the new state on to `stateChanged`.
    package func engineStateChanged(_ newState: EngineState) {
        stateChanged(newState)
    }
}
