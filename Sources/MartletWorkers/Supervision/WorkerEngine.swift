package import Logging
package import MartletProtocol
import Synchronization

/// An engine in a child process, which is replaced when it dies.
///
/// Requests that arrive while no worker is ready wait. Generations of a dead worker continue in the next worker, and
/// their receiver gets no event twice. See `design.md`.
///
/// Thread: all methods from anywhere; `run()` once.
package final class WorkerEngine: EngineService {
    struct Core {
        var machine: SupervisorStateMachine
        var state = EngineState.loading(LoadProgress(stage: .starting, fraction: 0))
        var ledger: RequestLedger
        var replies: [QueryNumber: CheckedContinuation<Result<Reply, EngineError>, Never>] = [:]
        /// Replies that have arrived in part.
        var partialReplies: [QueryNumber: PartialReply] = [:]
        var lastQuery: UInt64 = 0
        /// The queue to the present worker; `nil` if there is none.
        var outgoing: OutgoingQueue?
        var process: WorkerProcess?
        var hangMonitor: HangMonitor
        /// The model of the last worker that was ready.
        var model: ModelInformation?
        /// The last output of the present worker outside its log.
        var crashOutput = CrashOutput()
        /// The last lines of all workers, the oldest first.
        var logTail: [String] = []
        /// Runs while there is a pause between two workers.
        var pause: Task<Void, Never>?
        var isStopping = false
    }

    enum Reply: Sendable {
        case whole(WorkerFrame)
        /// All parts of a large reply.
        case parts(PartialReply)
    }

    let launcher: any WorkerLauncher
    let deliveries: DeliveryQueue
    let replyTimeout: Duration
    let clock: SupervisorClock
    let logger: Logger
    let core: Mutex<Core>

    /// - Parameters:
    ///   - modelName: The name in log records and errors.
    ///   - replyTimeout: The maximum time of a query, including the wait for a worker.
    ///   - clock: The passing of time for pauses, time limits and the detection of hangs.
    package init(
        modelName: String, launcher: any WorkerLauncher, receiver: any EngineEventReceiver,
        policy: RestartPolicy = RestartPolicy(), replyTimeout: Duration = .seconds(60),
        clock: SupervisorClock = .system, logger: Logger
    ) {
        self.launcher = launcher
        self.clock = clock
        self.replyTimeout = replyTimeout
        deliveries = DeliveryQueue(receiver: receiver)
        var logger = logger
        logger[metadataKey: "model"] = "\(modelName)"
        self.logger = logger
        core = Mutex(
            Core(
                machine: SupervisorStateMachine(modelName: modelName, policy: policy),
                ledger: RequestLedger(maximumLosses: policy.maximumLosses),
                hangMonitor: HangMonitor(timeout: policy.hangTimeout)))
    }

    /// The last lines of the log of the workers, the oldest first; at most ``logTailCount``.
    package var lastLogLines: [String] { core.withLock { $0.logTail } }

    /// The number of log lines that are remembered for the report of a failure.
    static let logTailCount = 8

    /// The memory of the present worker's process; `nil` if there is none, or the system does not report it.
    package var memory: ProcessMemory? {
        core.withLock { $0.process }?.identifier.flatMap { ProcessMemory(of: $0) }
    }

    package var state: EngineState { core.withLock { $0.state } }

    /// Submits a request. It is sent to the worker, waits for a worker, or fails with an event.
    package func submit(_ request: GenerationRequest) {
        let refusal: EngineError? =
            switch encode(.submit(request)) {
            case .success(let frame): admit(.generation(request), frame)
            case .failure(let error): error
            }
        guard let refusal else { return }
        deliveries.add(.events([EngineEvent(request.handle, .failed(refusal))]))
        deliveries.deliverSoon()
    }

    /// Cancels a generation. A waiting generation ends here; otherwise the worker ends it.
    package func cancel(_ handle: GenerationHandle) {
        guard case .success(let frame) = encode(.cancel(handle)) else { return }
        let wasWaiting = core.withLock { core in
            if let completion = core.ledger.withdraw(handle) {
                deliveries.add(.events([EngineEvent(handle, .finished(completion, text: []))]))
                return true
            }
            if core.ledger.cancel(handle) { core.outgoing?.add(frame) }
            return false
        }
        if wasWaiting { deliveries.deliverSoon() }
    }

    /// Sends a control command. Its result is an event.
    package func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        switch encode(.control(handle, number, action)) {
        case .success(let frame):
            core.withLock { core in
                if core.ledger.add(.init(number: number, action: action), to: handle) { core.outgoing?.add(frame) }
            }
        case .failure(let error):
            deliveries.add(.events([EngineEvent(handle, .controlled(number, .refused(.invalid(error.message))))]))
            deliveries.deliverSoon()
        }
    }

    /// Removes a pin. A worker that starts later has no pins, so without a worker there is nothing to do.
    package func unpin(_ prefix: PinnedPrefixID) {
        guard case .success(let frame) = encode(.unpin(prefix)) else { return }
        core.withLock { $0.outgoing?.add(frame) }
    }

    /// Runs workers one after another until `shutdown` is called or the task is cancelled.
    package func run() async {
        await withTaskCancellationHandler {
            var action = core.withLock { $0.machine.proceed() }
            while true {
                switch action {
                case .launch: action = await runWorker()
                case .pause(let duration):
                    await pause(for: duration)
                    action = core.withLock { $0.machine.proceed() }
                case .waitForShutdown:
                    await pause(for: .seconds(24 * 3600))
                    action = core.withLock { $0.machine.proceed() }
                case .end: return
                }
            }
        } onCancel: {
            shutdown()
        }
    }

    /// Kills the worker's process. Does not wait, not even for the lock.
    package func killWorker() {
        let process = core.withLockIfAvailable { $0.process }
        process.flatMap { $0 }?.kill()
    }

    /// Asks the worker to end, which takes at most 3 s, and lets `run()` return.
    ///
    /// Generations of the worker end with the worker's event or with `failed`. Waiting items end with `failed`.
    /// - Parameter error: the error of requests that end with the engine; its code is `shuttingDown`.
    package func shutdown(_ error: EngineError = SupervisorStateMachine.stopped) {
        let (outgoing, process) = core.withLock { core -> (OutgoingQueue?, WorkerProcess?) in
            guard !core.isStopping else { return (nil, nil) }
            core.isStopping = true
            core.machine.shutDown(error)
            core.pause?.cancel()
            if core.outgoing == nil {
                settle(core.machine.workerEnded(.exited(code: 0), at: clock.now()), &core)
            }
            return (core.outgoing, core.process)
        }
        deliveries.deliverSoon()
        guard let outgoing, case .success(let frame) = encode(.shutdown) else { return }
        outgoing.add(frame)
        Task { [clock] in
            try? await clock.sleep(.seconds(1))
            outgoing.close()
            // A worker that does not read blocks the writes to it, so the gentler steps never happen.
            try? await clock.sleep(.seconds(2))
            process?.kill()
        }
    }
}
