import Llama
package import MartletProtocol

extension InProcessEngine {
    /// See `EngineService.perform(_:)`. Waits until the model is loaded.
    package func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult {
        _ = try await loaded()
        return try await PendingReply.value { reply in
            let isClosed = shared.withLock { shared in
                // Under the lock, so that the message precedes `stop`.
                if !shared.isClosed { mailbox.post(.slot(SlotJob(action: action, reply: reply))) }
                return shared.isClosed
            }
            if isClosed { reply.finish(.failure(.shuttingDown)) }
        }
    }
}

/// A slot action that a task awaits.
struct SlotJob: Sendable {
    let action: SlotAction
    let reply: PendingReply<SlotActionResult>
}
