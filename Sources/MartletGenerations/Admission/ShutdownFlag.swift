internal import Synchronization

/// Whether the server shuts down. No generation is admitted then.
///
/// Thread: any. The flag is set once and never cleared.
package final class ShutdownFlag: Sendable {
    private let flag = Atomic(false)

    /// Makes a flag that is not set.
    package init() {}

    package var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Ends the admission of generations.
    package func set() { flag.store(true, ordering: .releasing) }
}
