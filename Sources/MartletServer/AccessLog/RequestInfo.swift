internal import MartletStreams
internal import Synchronization
internal import Tracing

/// Facts about a request that its route collects for the access log, metrics and traces.
///
/// Written by middleware and by the route; read at the end of the response.
///
final class RequestInfo: Sendable {
    private struct Guarded {
        var keyLabel: String?
        var owner = Owner.open
        var mayRaisePriority = true
        var loadsModel: Bool?
        var generation: Generation?
        var traceContext: InstrumentationContext?
        var isComplete = true
        var whenComplete: (@Sendable () -> Void)?
    }
    private let guarded = Mutex(Guarded())

    /// The label of the client's API key; nil without keys.
    var keyLabel: String? {
        get { guarded.withLock { $0.keyLabel } }
        set { guarded.withLock { $0.keyLabel = newValue } }
    }

    /// The owner of all generations that the request begins.
    var owner: Owner {
        get { guarded.withLock { $0.owner } }
        set { guarded.withLock { $0.owner = newValue } }
    }

    /// Whether generations that the request begins may have a priority above 0. Without keys every request may.
    var mayRaisePriority: Bool {
        get { guarded.withLock { $0.mayRaisePriority } }
        set { guarded.withLock { $0.mayRaisePriority = newValue } }
    }

    /// Whether the request loads its model (`?autoload=`); nil = as the server is configured.
    var loadsModel: Bool? {
        get { guarded.withLock { $0.loadsModel } }
        set { guarded.withLock { $0.loadsModel = newValue } }
    }

    /// The trace context of the request's span; nil without tracing.
    var traceContext: InstrumentationContext? {
        get { guarded.withLock { $0.traceContext } }
        set { guarded.withLock { $0.traceContext = newValue } }
    }

    /// The generation that the request began.
    var generation: Generation? {
        get { guarded.withLock { $0.generation } }
        set { guarded.withLock { $0.generation = newValue } }
    }

    // MARK: The response's end

    /// Declares that the response outlasts its task. `end()` must be called at the response's end.
    func continueAfterTask() { guarded.withLock { $0.isComplete = false } }

    /// The response that outlasted its task has ended.
    func end() {
        let action = guarded.withLock { guarded in
            guarded.isComplete = true
            return guarded.whenComplete.take()
        }
        action?()
    }

    /// Calls `action` after the end of the response; at once if the response does not outlast its task.
    func whenComplete(_ action: @escaping @Sendable () -> Void) {
        let isComplete = guarded.withLock { guarded in
            if !guarded.isComplete { guarded.whenComplete = action }
            return guarded.isComplete
        }
        if isComplete { action() }
    }
}
