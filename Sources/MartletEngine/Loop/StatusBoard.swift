import Llama
import MartletProtocol

/// A copy of the engine's status that any thread may read while the engine computes.
final class StatusBoard: Sendable {
    private let status = Locked(EngineStatus())

    var copy: EngineStatus { status.withLock { $0 } }

    /// Engine's thread.
    func update(_ change: (inout EngineStatus) -> Void) {
        status.withLock { change(&$0) }
    }
}
