package import MartletProtocol
internal import Synchronization

/// The scales of the model's adapters for requests that name none.
///
/// The edge stores them, so that a restarted worker gets the same scales. Thread: any.
package final class AdapterScales: Sendable {
    /// The scales that a client has set; nil = those of the start.
    private let chosen = Mutex<[AdapterScale]?>(nil)

    /// Makes the scales of the start.
    package init() {}

    /// Sets the scales of the named adapters. The other adapters are not applied any more.
    package func set(_ scales: [AdapterScale]) { chosen.withLock { $0 = scales } }

    /// The scales in force, in the order of the model's adapters unless a client has set them.
    package func current(of model: ModelInformation) -> [AdapterScale] {
        chosen.withLock { $0 }
            ?? model.adapters.enumerated().map { AdapterScale(index: $0.offset, scale: $0.element.scale) }
    }
}
