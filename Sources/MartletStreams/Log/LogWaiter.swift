internal import Synchronization

/// A task that waits for the end of a generation or for admissions. Resumed at most once: by the log, by a timer, or by
/// the cancellation of the task.
final class LogWaiter: Sendable {
    /// The number of admitted choices that the task waits for; `nil` = it waits for the end. The end resumes every
    /// waiter.
    let admissions: Int?
    /// Whether the task waits until readers may see the terminal event.
    let needsVisibleEnd: Bool
    private let state = Mutex(State.fresh)

    private enum State {
        case fresh
        case waiting(CheckedContinuation<Void, Never>)
        case resumed
    }

    init(admissions: Int? = nil, needsVisibleEnd: Bool = false) {
        self.admissions = admissions
        self.needsVisibleEnd = needsVisibleEnd
    }

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

    /// Lets `value` return. Later calls do nothing.
    func resume() {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .resumed }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }
}
