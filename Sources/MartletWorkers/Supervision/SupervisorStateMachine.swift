package import MartletProtocol

/// Decides what is done about a worker: start it, wait, give it up. See `design.md`.
///
/// Pure: an event and the time come in, a decision comes out.
package struct SupervisorStateMachine: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// What whoever runs the worker does next.
    package enum Action: Sendable, Equatable {
        case launch
        case pause(Duration)
        /// The worker was given up: wait for `shutDown`.
        case waitForShutdown
        case end
    }

    /// What becomes of a request that arrives now.
    package enum Admission: Sendable, Equatable {
        case send
        case wait
        case refuse(EngineError)
    }

    /// What the end of a worker means.
    package struct Loss: Sendable, Equatable {
        /// For every request and question that the worker had.
        package var error: EngineError
        /// The engine's new state, and with `failed` the end of all that waits.
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
    private var wasReady = false
    /// What the worker itself said about why it ends.
    private var reported: EngineError?
    /// Why the worker is being ended, if it stood still.
    private var hang: EngineError?

    package init(modelName: String, policy: RestartPolicy = RestartPolicy()) {
        self.modelName = modelName
        self.policy = policy
        pause = policy.initialPause
    }

    package var admission: Admission {
        switch phase {
        case .idle, .loading, .pausing: .wait
        case .ready: .send
        case .abandoned(let error): .refuse(error)
        case .stopping: .refuse(Self.stopped)
        }
    }

    /// The next step of whoever runs the worker; asked at the beginning and after a pause.
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

    /// The worker told its state.
    /// - Returns: The state to publish, or `nil` while the worker is on its way out.
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

    /// The worker does nothing any more and is being ended.
    /// - Parameter what: A predicate: "has not answered for 60 seconds".
    /// - Returns: The state to publish, or `nil` while the worker is on its way out.
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

    /// The worker is gone.
    /// - Parameter crashOutput: Its last output beside its log.
    package mutating func workerEnded(_ exit: WorkerExit, crashOutput: String? = nil, at now: Instant) -> Loss {
        let lost = lossError(exit, crashOutput)
        var wasHealthy = false
        switch phase {
        case .idle, .pausing, .abandoned, .stopping:
            phase = .stopping
            return Loss(error: Self.stopped, state: .failed(Self.stopped), next: .end)
        case .ready(let since):
            wasHealthy = now - since >= policy.healthyAfter
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

    /// No worker is started any more.
    package mutating func shutDown() { phase = .stopping }

    private static let stopped = EngineError(.shuttingDown, "the server is shutting down")

    private func lossError(_ exit: WorkerExit, _ crashOutput: String?) -> EngineError {
        if let hang { return hang }
        if let reported {
            return EngineError(.engineLost, "the engine of \(modelName) ended: \(reported.message)")
        }
        return EngineError(
            .engineLost,
            "the engine of \(modelName) was lost: its worker process \(exit)\(exit.hint)\(Self.clause(crashOutput))")
    }

    private static func clause(_ crashOutput: String?) -> String { crashOutput.map { ", and wrote: \($0)" } ?? "" }

    /// Why starting again cannot help, or has not helped for too long.
    private func finalError(_ exit: WorkerExit, _ crashOutput: String?) -> EngineError? {
        if let reported, reported.code == .loadFailed { return reported }
        switch exit {
        case .notStarted, .brokenProtocol:
            return EngineError(.loadFailed, "the worker process of \(modelName) \(exit)")
        case .exited, .signaled:
            let limit = wasReady ? policy.maximumFailedRestarts : policy.maximumFailedStarts
            guard failedStarts >= limit else { return nil }
            let times = "\(failedStarts) \(failedStarts == 1 ? "time" : "times") in a row"
            if let hang { return EngineError(.loadFailed, "\(hang.message), \(times)") }
            return EngineError(
                .loadFailed,
                "the worker process of \(modelName) \(exit) before the model was ready, \(times)"
                    + exit.hint + Self.clause(crashOutput))
        }
    }
}
