internal import MartletStreams
internal import Synchronization
internal import Tracing

/// What becomes known of a request on its way, for those who report on it at its end.
///
/// Thread: any.
final class RequestInfo: Sendable {
    private struct Guarded {
        var keyLabel: String?
        var owner = Owner.open
        var generation: Generation?
        var traceContext: InstrumentationContext?
        var isComplete = true
        var whenComplete: (@Sendable () -> Void)?
    }
    private let guarded = Mutex(Guarded())

    /// The label of the API key that the client showed.
    var keyLabel: String? {
        get { guarded.withLock { $0.keyLabel } }
        set { guarded.withLock { $0.keyLabel = newValue } }
    }

    /// Whose everything is that the request begins.
    var owner: Owner {
        get { guarded.withLock { $0.owner } }
        set { guarded.withLock { $0.owner = newValue } }
    }

    /// Of the request's span, if there is one.
    var traceContext: InstrumentationContext? {
        get { guarded.withLock { $0.traceContext } }
        set { guarded.withLock { $0.traceContext = newValue } }
    }

    /// What the request generates.
    var generation: Generation? {
        get { guarded.withLock { $0.generation } }
        set { guarded.withLock { $0.generation = newValue } }
    }

    // MARK: The response's end

    /// The response goes on when the task that answers has ended; `end` will be called then.
    func continueAfterTask() { guarded.withLock { $0.isComplete = false } }

    /// What outlasted its task is over.
    func end() {
        let action = guarded.withLock { guarded in
            guarded.isComplete = true
            return guarded.whenComplete.take()
        }
        action?()
    }

    /// Calls `action` when the response is over, of which its task has written its part; at once if that was all.
    func whenComplete(_ action: @escaping @Sendable () -> Void) {
        let isComplete = guarded.withLock { guarded in
            if !guarded.isComplete { guarded.whenComplete = action }
            return guarded.isComplete
        }
        if isComplete { action() }
    }
}
