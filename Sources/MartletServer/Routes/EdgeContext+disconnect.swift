internal import Hummingbird
internal import MartletAPI

extension EdgeContext {
    /// Does work for this request in a task that is cancelled when the client disconnects.
    func untilDisconnect<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let task = Task { try await work() }
        channel.withConnection { connection in
            if let connection { connection.onDisconnect { task.cancel() } } else { task.cancel() }
        }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
