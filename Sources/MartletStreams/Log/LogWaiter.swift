internal import Synchronization

/// A task that waits until a log has what it waits for. Resumed at most once, by whoever comes first.
final class LogWaiter: Sendable {
    /// How many admitted choices the task waits for; `nil` = for the end, which ends every wait.
    let admissions: Int?
    private let state = Mutex(State.fresh)

    private enum State {
        case fresh
        case waiting(CheckedContinuation<Void, Never>)
        case resumed
    }

    init(admissions: Int? = nil) { self.admissions = admissions }

    /// Returns when `resume` has been called. To be called once.
    func value() async {
        await withCheckedContinuation { continuation in
            let isResumed = state.withLock { state in
                if case .resumed = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isResumed { continuation.resume() }
        }
    }

    func resume() {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .resumed }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }
}
