internal import Dispatch
internal import Synchronization

/// Reports a shutdown that takes too long, whatever blocks it.
///
/// The monitor has its own dispatch queue, so neither a blocked event loop nor a blocked task delays it.
final class ShutdownMonitor: Sendable {
    private struct State {
        var deadline: ContinuousClock.Instant?
        var isOver = false
    }
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "martlet.shutdown", qos: .userInitiated)
    private let overdue: @Sendable () -> Void

    /// - Parameter overdue: called at most once, on the monitor's queue.
    init(overdue: @escaping @Sendable () -> Void) { self.overdue = overdue }

    /// Sets the deadline of the shutdown, unless an earlier one is set.
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

    /// The shutdown has ended. No report follows.
    func end() { state.withLock { $0.isOver = true } }
}
