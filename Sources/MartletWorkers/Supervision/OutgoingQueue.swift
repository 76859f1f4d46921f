import Synchronization

/// Bytes on their way to one worker: added by any thread, written by one task.
package final class OutgoingQueue: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeups: AsyncStream<Void>
    private let wakeup: AsyncStream<Void>.Continuation

    package init() {
        (wakeups, wakeup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Never waits. Bytes added after `close` go nowhere.
    package func add(_ bytes: [UInt8]) {
        state.withLock { state in
            guard !state.isClosed else { return }
            if state.bytes.isEmpty { state.bytes = bytes } else { state.bytes += bytes }
        }
        wakeup.yield()
    }

    /// What was added before is still written.
    package func close() {
        state.withLock { $0.isClosed = true }
        wakeup.yield()
    }

    /// Writes with `write` until the queue is closed or `write` throws. To be called once.
    package func drain(_ write: ([UInt8]) async throws -> Void) async rethrows {
        for await _ in wakeups {
            let (bytes, isClosed) = state.withLock { state in
                defer { state.bytes = [] }
                return (state.bytes, state.isClosed)
            }
            if !bytes.isEmpty { try await write(bytes) }
            if isClosed { return }
        }
    }
}
