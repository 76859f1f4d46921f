import MartletPlatform
import MartletProtocol
import Synchronization

/// Writes frames to the edge, whole, from any thread.
///
/// A write blocks while the pipe is full. The edge always reads, so that is short; and when the edge is gone writes
/// fail at once (see `BrokenPipes`) and are dropped.
final class FrameOutput: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var isBroken = false
        /// The number of the last frame behind the greeting.
        var lastNumber: UInt64 = 0
    }

    /// A buffer that grew beyond this for one large frame is given back.
    private static let retainedByteCount = 1 << 20

    private let descriptor: FileDescriptor
    private let state = Mutex(State())
    /// Frames that wait for the lock and go before the next part of a large reply.
    private let waitingCount = Atomic<Int>(0)

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// - Throws: `tooLarge`; nothing is written then.
    func send(_ frame: WorkerFrame) throws(FrameError) {
        waitingCount.wrappingAdd(1, ordering: .relaxed)
        let error = state.withLock { state -> FrameError? in
            waitingCount.wrappingSubtract(1, ordering: .relaxed)
            return write(frame, &state)
        }
        if let error { throw error }
    }

    /// Sends a reply; a large one in parts, between which other frames go. It is encoded without the lock.
    ///
    /// A task that is cancelled sends no further part: its reply was withdrawn.
    /// - Throws: `tooLarge`; nothing is written then.
    func send(_ reply: WorkerFrame, to number: QueryNumber) async throws(FrameError) {
        let parts = try reply.parts(for: number)
        for part in parts {
            // The lock is not fair, so waiting frames are let through here.
            while waitingCount.load(ordering: .relaxed) > 0 { await Task.yield() }
            if parts.count > 1, Task.isCancelled { return }
            let error = state.withLock { write(part, &$0) }
            if let error { throw error }
        }
    }

    private func write(_ frame: WorkerFrame, _ state: inout State) -> FrameError? {
        guard !state.isBroken else { return nil }
        do throws(FrameError) {
            if case .hello = frame {
                try frame.encode(to: &state.buffer)
            } else {
                try frame.encode(number: state.lastNumber + 1, to: &state.buffer)
                state.lastNumber += 1
            }
        } catch {
            return error
        }
        do {
            try descriptor.writeAll(state.buffer)
        } catch {
            state.isBroken = true
        }
        state.buffer.removeAll(keepingCapacity: state.buffer.capacity <= Self.retainedByteCount)
        return nil
    }
}
