internal import MartletProtocol
internal import Synchronization

/// How strongly the model's adapters are applied where a request does not say.
///
/// Kept at the edge, so that it survives a worker. Thread: any.
final class AdapterScales: Sendable {
    /// What a client has set; `nil` = as the server was started.
    private let chosen = Mutex<[AdapterScale]?>(nil)

    /// Sets those that are named; the others are not applied any more.
    func set(_ scales: [AdapterScale]) { chosen.withLock { $0 = scales } }

    func current(of model: ModelInformation) -> [AdapterScale] {
        chosen.withLock { $0 }
            ?? model.adapters.enumerated().map { AdapterScale(index: $0.offset, scale: $0.element.scale) }
    }
}
