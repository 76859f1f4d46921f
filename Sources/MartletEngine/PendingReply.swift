import Llama
import MartletProtocol

/// A reply that a task awaits from one of the engine's threads. A cancelled task stops waiting.
///
/// Thread: any.
final class PendingReply<Value: Sendable>: Sendable {
    typealias Reply = Result<Value, EngineError>

    private enum State {
        case created
        case waiting(CheckedContinuation<Reply, Never>)
        case finished
    }
    private let state = Locked(State.created)

    private init() {}

    /// Awaits the reply. `post` passes this object to the thread that computes it.
    ///
    /// - Throws: the error of the reply, or `withdrawn` if the task was cancelled.
    static func value(_ post: (PendingReply) -> Void) async throws(EngineError) -> Value {
        let reply = PendingReply()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = reply.state.withLock { state in
                    if case .finished = state { return false }
                    state = .waiting(continuation)
                    return true
                }
                if isOpen { post(reply) } else { continuation.resume(returning: .failure(.withdrawn)) }
            }
        } onCancel: {
            reply.finish(.failure(.withdrawn))
        }
        return try result.get()
    }

    /// Whether a task still awaits the reply. If not, computing the reply is unnecessary.
    var isAwaited: Bool { state.withLock { if case .finished = $0 { false } else { true } } }

    /// Sets the reply. Later calls have no effect.
    func finish(_ result: Reply) {
        let continuation: CheckedContinuation<Reply, Never>? = state.withLock { state in
            defer { state = .finished }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(returning: result)
    }
}

extension EngineError {
    static let withdrawn = EngineError(.engineLost, "The query was cancelled.")
}
