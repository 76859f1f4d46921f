import Synchronization

/// The queue of bytes to one worker: any thread appends, one task writes.
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

    /// Appends bytes without waiting. After `close` the call has no effect.
    package func add(_ bytes: [UInt8]) {
        state.withLock { state in
            guard !state.isClosed else { return }
            if state.bytes.isEmpty { state.bytes = bytes } else { state.bytes += bytes }
        }
        wakeup.yield()
    }

    /// Closes the queue. Bytes that were added before are still written.
    package func close() {
        state.withLock { $0.isClosed = true }
        wakeup.yield()
    }

    /// Writes with `write` until the queue is closed or `write` throws. Must be called once only.
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
