internal import MartletWorkers
internal import Synchronization

extension SupervisorClock {
    /// The virtual clock of a simulation, as the supervisor uses it.
    /// - Parameter lane: runs the end of each sleep.
    static func simulated(_ scheduler: SimulatedScheduler, on lane: SimulatedLane) -> Self {
        let place = SleepPlace(scheduler: scheduler, lane: lane)
        return Self(
            now: { SleepPlace.origin.advanced(by: .nanoseconds(Int64(place.scheduler.now))) },
            sleep: { duration in try await SimulatedSleep(place).wait(duration) })
    }
}

/// The clock and the lane of sleeping tasks.
struct SleepPlace: Sendable {
    let scheduler: SimulatedScheduler
    let lane: SimulatedLane
    /// The instant of the virtual time 0. Only differences of instants reach the code under test.
    static let origin = ContinuousClock.now
}

/// One suspension of a task for a virtual time; the task's cancellation ends it early.
private final class SimulatedSleep: Sendable {
    private enum State {
        case fresh
        case waiting(CheckedContinuation<Void, any Error>, SimulatedTimer)
        case ended
    }
    private let place: SleepPlace
    private let state = Mutex(State.fresh)

    init(_ place: SleepPlace) { self.place = place }

    func wait(_ duration: Duration) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (seconds, attoseconds) = duration.components
                let delay = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
                let timer = place.scheduler.addTimer(at: place.scheduler.now + delay, on: place.lane) { self.end(nil) }
                let isEnded = state.withLock { state in
                    if case .ended = state { return true }
                    state = .waiting(continuation, timer)
                    return false
                }
                guard isEnded else { return }
                timer.cancel()
                continuation.resume(throwing: CancellationError())
            }
        } onCancel: {
            end(CancellationError())
        }
    }

    private func end(_ error: (any Error)?) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            defer { state = .ended }
            guard case .waiting(let continuation, let timer) = state else { return nil }
            timer.cancel()
            return continuation
        }
        if let error { continuation?.resume(throwing: error) } else { continuation?.resume() }
    }
}
