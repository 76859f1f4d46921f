import Llama
import MartletProtocol

/// A task that waits for a value from one of the engine's threads, until it is cancelled.
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

    /// Waits for the reply that `post` hands to a thread. A task that is cancelled waits no longer.
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

    /// Whether the task still waits. The work for a task that does not is in vain.
    var isAwaited: Bool { state.withLock { if case .finished = $0 { false } else { true } } }

    /// Later calls change nothing.
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
    static let withdrawn = EngineError(.engineLost, "The question was withdrawn.")
}
