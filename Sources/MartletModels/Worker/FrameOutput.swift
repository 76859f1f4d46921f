import MartletProtocol
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Writes frames to the edge, whole, from any thread.
///
/// A write blocks while the pipe is full. The edge always reads, so that is short; and when the edge is gone writes fail
/// at once (see `BrokenPipes`) and are dropped.
final class FrameOutput: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var isBroken = false
    }

    /// A buffer that grew beyond this for one large frame is given back.
    private static let retainedByteCount = 1 << 20

    private let descriptor: FileDescriptor
    private let state = Mutex(State())

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// - Throws: `tooLarge`; nothing is written then.
    func send(_ frame: WorkerFrame) throws(FrameError) {
        let error = state.withLock { state -> FrameError? in
            guard !state.isBroken else { return nil }
            do throws(FrameError) {
                try frame.encode(to: &state.buffer)
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
        if let error { throw error }
    }
}
