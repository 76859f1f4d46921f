internal import Dispatch
internal import Synchronization

/// Calls out when a shutdown takes too long, whatever holds it.
///
/// Everything else may wait for something or somebody. This has a queue of its own, and waits for the time alone.
final class ShutdownMonitor: Sendable {
    private struct State {
        var deadline: ContinuousClock.Instant?
        var isOver = false
    }
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "martlet.shutdown", qos: .userInitiated)
    private let overdue: @Sendable () -> Void

    /// - Parameter overdue: called at most once, on the watch's own queue.
    init(overdue: @escaping @Sendable () -> Void) { self.overdue = overdue }

    /// The shutdown has to be over by then, if it has not to be sooner.
    func expectEnd(within duration: Duration) {
        let deadline = ContinuousClock.now + duration
        let isSooner = state.withLock { state in
            guard !state.isOver, state.deadline.map({ deadline < $0 }) ?? true else { return false }
            state.deadline = deadline
            return true
        }
        guard isSooner else { return }
        let (seconds, attoseconds) = duration.components
        let nanoseconds = Int(clamping: seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [self] in
            let isDue = state.withLock { state in
                defer { state.isOver = true }
                return !state.isOver
            }
            if isDue { overdue() }
        }
    }

    /// The shutdown is over.
    func end() { state.withLock { $0.isOver = true } }
}
