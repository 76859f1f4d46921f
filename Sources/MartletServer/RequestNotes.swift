internal import MartletStreams
internal import Synchronization

/// What becomes known of a request on its way, for those who report on it at its end.
///
/// Thread: any.
final class RequestNotes: Sendable {
    private struct Guarded {
        var keyLabel: String?
        var owner = Owner.open
        var generation: Generation?
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

    /// What the request generates.
    var generation: Generation? {
        get { guarded.withLock { $0.generation } }
        set { guarded.withLock { $0.generation = newValue } }
    }
}
