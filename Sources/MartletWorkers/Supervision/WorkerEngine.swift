package import Logging
package import MartletProtocol
import Synchronization

/// An engine in a child process that is started again when it dies.
///
/// Requests that arrive while no worker is ready wait for one. Those that a worker had when it died are continued by
/// the next one: their receiver is told nothing twice. See `design.md`.
///
/// Thread: all methods from anywhere; `run()` once.
package final class WorkerEngine: EngineService {
    struct Core {
        var machine: SupervisorStateMachine
        var state = EngineState.loading(LoadProgress(stage: .starting, fraction: 0))
        var ledger: RequestLedger
        var replies: [QueryNumber: CheckedContinuation<Result<Reply, EngineError>, Never>] = [:]
        /// Replies of this worker of which parts have come.
        var partialReplies: [QueryNumber: PartialReply] = [:]
        var lastQuery: UInt64 = 0
        /// To the worker that runs now.
        var outgoing: OutgoingQueue?
        var process: WorkerProcess?
        var hangMonitor: HangMonitor
        /// Of the worker that runs now.
        var crashOutput = CrashOutput()
        /// Runs while there is a pause between two workers.
        var pause: Task<Void, Never>?
        var isStopping = false
    }

    enum Reply: Sendable {
        case whole(WorkerFrame)
        /// All parts of a large one.
        case parts(PartialReply)
    }

    let launcher: any WorkerLauncher
    let deliveries: DeliveryQueue
    let replyTimeout: Duration
    let logger: Logger
    let core: Mutex<Core>

    /// - Parameters:
    ///   - modelName: For log records and errors.
    ///   - replyTimeout: Most time that a question to the worker takes, waiting for its start included.
    package init(
        modelName: String, launcher: any WorkerLauncher, receiver: any EngineEventReceiver,
        policy: RestartPolicy = RestartPolicy(), replyTimeout: Duration = .seconds(60), logger: Logger
    ) {
        self.launcher = launcher
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

    package var state: EngineState { core.withLock { $0.state } }

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

    /// Runs workers, one after the other, until `shutdown` is called or the task is cancelled.
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

    /// Ends the worker's process without asking, and without waiting for anything here.
    package func killWorker() {
        let process = core.withLockIfAvailable { $0.process }
        process.flatMap { $0 }?.kill()
    }

    /// Asks the worker to end, which takes it a second at most, and lets `run()` return.
    ///
    /// What the worker still has ends with what it says, or with `failed`; what waits ends with `failed`.
    package func shutdown() {
        let (outgoing, process) = core.withLock { core -> (OutgoingQueue?, WorkerProcess?) in
            guard !core.isStopping else { return (nil, nil) }
            core.isStopping = true
            core.machine.shutDown()
            core.pause?.cancel()
            if core.outgoing == nil {
                settle(core.machine.workerEnded(.exited(code: 0), at: .now), &core)
            }
            return (core.outgoing, core.process)
        }
        deliveries.deliverSoon()
        guard let outgoing, case .success(let frame) = encode(.shutdown) else { return }
        outgoing.add(frame)
        Task {
            try? await Task.sleep(for: .seconds(1))
            outgoing.close()
            // A worker that reads nothing blocks the writes to it, and with them the gentle steps.
            try? await Task.sleep(for: .seconds(2))
            process?.kill()
        }
    }
}
