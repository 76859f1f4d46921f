package import MartletProtocol

/// The decisions about workers: start, wait before a restart, give up. The states are drawn in `design.md`.
///
/// Pure: methods accept an event and the time, and return an action.
package struct SupervisorStateMachine: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// The next action of `WorkerEngine.run`.
    package enum Action: Sendable, Equatable {
        case launch
        case pause(Duration)
        /// There will be no further worker: wait for `shutDown`.
        case waitForShutdown
        case end
    }

    /// The decision about a request that arrives now.
    package enum Admission: Sendable, Equatable {
        case send
        case wait
        case refuse(EngineError)
    }

    /// The consequences of the end of a worker.
    package struct Loss: Sendable, Equatable {
        /// The error for requests and queries that end with the worker.
        package var error: EngineError
        /// The engine's new state. With `failed` all waiting items end, too.
        package var state: EngineState
        package var next: Action
    }

    private enum Phase: Sendable, Equatable {
        case idle
        case loading
        case ready(since: Instant)
        case pausing
        case abandoned(EngineError)
        case stopping
    }

    private let modelName: String
    private let policy: RestartPolicy
    private var phase = Phase.idle
    private var pause: Duration
    private var failedStarts = 0
    /// The workers in a row that died soon after they were ready.
    private var crashes = 0
    private var wasReady = false
    /// The error that the worker itself reported before its end.
    private var reported: EngineError?
    /// The error of a worker that is killed because it hangs.
    private var hang: EngineError?
    /// The error of requests in the final state.
    private var stopError = Self.stopped

    package init(modelName: String, policy: RestartPolicy = RestartPolicy()) {
        self.modelName = modelName
        self.policy = policy
        pause = policy.initialPause
    }

    /// The decision about requests in the present state.
    package var admission: Admission {
        switch phase {
        case .idle, .loading, .pausing: .wait
        case .ready: .send
        case .abandoned(let error): .refuse(error)
        case .stopping: .refuse(stopError)
        }
    }

    /// The action at the beginning and after a pause.
    package mutating func proceed() -> Action {
        switch phase {
        case .idle, .pausing:
            phase = .loading
            (reported, hang) = (nil, nil)
            return .launch
        case .abandoned: return .waitForShutdown
        case .loading, .ready, .stopping: return .end
        }
    }

    /// Records a state that the worker reported.
    /// - Returns: The state to publish; `nil` if the worker is about to end.
    package mutating func workerReported(_ state: EngineState, at now: Instant) -> EngineState? {
        switch (phase, state) {
        case (.loading, .loading): return state
        case (.loading, .ready):
            phase = .ready(since: now)
            failedStarts = 0
            wasReady = true
            return state
        case (.loading, .failed(let error)), (.ready, .failed(let error)):
            reported = error
            return nil
        default: return nil
        }
    }

    /// Records that the worker finished a generation, so that its end would not be a crash in a row.
    package mutating func workerServed() { crashes = 0 }

    /// Records that the worker hangs and is killed.
    /// - Parameter what: A predicate: "has not answered for 60 seconds".
    /// - Returns: The state to publish; `nil` if the worker is about to end.
    package mutating func workerHung(_ what: String) -> EngineState? {
        switch phase {
        case .loading, .ready: break
        case .idle, .pausing, .abandoned, .stopping: return nil
        }
        let error = EngineError(
            .engineLost, "the engine of \(modelName) stood still: its worker process \(what)")
        hang = error
        return .restarting(error)
    }

    /// Records the end of the worker.
    ///
    /// Pauses before restarts double, up to a maximum. A worker that was ready for long enough resets them.
    /// - Parameter crashOutput: The worker's last output outside its log.
    package mutating func workerEnded(_ exit: WorkerExit, crashOutput: String? = nil, at now: Instant) -> Loss {
        let lost = lossError(exit, crashOutput)
        var wasHealthy = false
        switch phase {
        case .idle, .pausing, .abandoned, .stopping:
            phase = .stopping
            return Loss(error: stopError, state: .failed(stopError), next: .end)
        case .ready(let since):
            wasHealthy = now - since >= policy.healthyAfter
            crashes = wasHealthy ? 0 : crashes + 1
            if crashes >= policy.maximumCrashes {
                let error = EngineError(
                    lost.code,
                    "\(lost.message); it was the worker number \(crashes) in a row that ended soon after it was ready")
                phase = .abandoned(error)
                return Loss(error: lost, state: .failed(error), next: .waitForShutdown)
            }
        case .loading:
            failedStarts += 1
            if let error = finalError(exit, crashOutput) {
                phase = .abandoned(error)
                return Loss(error: lost, state: .failed(error), next: .waitForShutdown)
            }
        }
        phase = .pausing
        let current = wasHealthy ? .zero : pause
        pause = wasHealthy ? policy.initialPause : min(pause * 2, policy.maximumPause)
        return Loss(error: lost, state: .restarting(lost), next: .pause(current))
    }

    /// Enters the final state: no worker is started any more.
    /// - Parameter error: The error of all requests from now on; its code is `shuttingDown`.
    package mutating func shutDown(_ error: EngineError = stopped) {
        phase = .stopping
        stopError = error
    }

    /// The error of requests after the end of the server.
    package static let stopped = EngineError(.shuttingDown, "the server is shutting down")

    /// The error for requests of the worker: the hang, the worker's own report, or the exit status.
    private func lossError(_ exit: WorkerExit, _ crashOutput: String?) -> EngineError {
        if let hang { return hang }
        if let reported {
            let code: EngineError.Code = reported.code == .outOfMemory ? .outOfMemory : .engineLost
            return EngineError(code, "the engine of \(modelName) ended: \(reported.message)")
        }
        return EngineError(
            Self.isShortage(exit, crashOutput) ? .outOfMemory : .engineLost,
            "the engine of \(modelName) was lost: its worker process \(exit)\(exit.hint)\(Self.clause(crashOutput))")
    }

    /// Whether the end of the process, or its last words, say that memory was short.
    private static func isShortage(_ exit: WorkerExit, _ crashOutput: String?) -> Bool {
        exit == .killedForMemory || crashOutput.map { MemoryShortage.isNamed(in: $0) } ?? false
    }

    private static func clause(_ crashOutput: String?) -> String { crashOutput.map { ", and wrote: \($0)" } ?? "" }

    /// The error after which there is no restart; `nil` if a restart may help.
    private func finalError(_ exit: WorkerExit, _ crashOutput: String?) -> EngineError? {
        if let reported, reported.code == .loadFailed { return reported }
        // Memory may be free again when a worker that was ready is replaced.
        if let reported, reported.code == .outOfMemory, !wasReady { return reported }
        let isShortage = Self.isShortage(exit, crashOutput) || reported?.code == .outOfMemory
        switch exit {
        case .notStarted, .brokenProtocol:
            return EngineError(.loadFailed, "the worker process of \(modelName) \(exit)")
        case .exited, .signaled, .killedForMemory:
            let isOnlyStart = isShortage && !wasReady && !policy.repeatsShortages
            let limit = wasReady ? policy.maximumFailedRestarts : isOnlyStart ? 1 : policy.maximumFailedStarts
            guard failedStarts >= limit else { return nil }
            let times = "\(failedStarts) \(failedStarts == 1 ? "time" : "times") in a row"
            if let hang { return EngineError(.loadFailed, "\(hang.message), \(times)") }
            return EngineError(
                isShortage ? .outOfMemory : .loadFailed,
                "the worker process of \(modelName) \(exit) before the model was ready, \(times)"
                    + exit.hint + Self.clause(crashOutput))
        }
    }
}
