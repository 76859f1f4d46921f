package import NIOCore
internal import Synchronization

/// The reader loops of a server, one per event loop.
package final class ReaderLoops: Sendable {
    private let loops = Mutex<[ObjectIdentifier: ReaderLoop]>([:])

    package init() {}

    /// The reader loop of an event loop; made at the first call.
    package func loop(for eventLoop: any EventLoop) -> ReaderLoop {
        loops.withLock { loops in
            if let loop = loops[ObjectIdentifier(eventLoop)] { return loop }
            let loop = ReaderLoop(eventLoop: eventLoop)
            loops[ObjectIdentifier(eventLoop)] = loop
            return loop
        }
    }
}
