internal import MartletStreams
internal import Synchronization

/// What becomes known of a request on its way, for those who report on it at its end.
///
/// Thread: any.
final class RequestNotes: Sendable {
    private struct Guarded {
        var keyLabel: String?
        var log: GenerationLog?
    }
    private let guarded = Mutex(Guarded())

    /// The label of the API key that the client showed.
    var keyLabel: String? {
        get { guarded.withLock { $0.keyLabel } }
        set { guarded.withLock { $0.keyLabel = newValue } }
    }

    /// What the request generates.
    var log: GenerationLog? {
        get { guarded.withLock { $0.log } }
        set { guarded.withLock { $0.log = newValue } }
    }
}
