import Llama
import MartletProtocol

/// A copy of the engine's status that any thread may read while the engine computes.
///
/// Written by the engine thread; the value is locked.
final class StatusBoard: Sendable {
    private let status = Locked(EngineStatus())

    var copy: EngineStatus { status.withLock { $0 } }

    /// Changes the copy. Thread: the engine thread.
    func update(_ change: (inout EngineStatus) -> Void) {
        status.withLock { change(&$0) }
    }
}
