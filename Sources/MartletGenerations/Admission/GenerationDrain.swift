package import MartletProtocol
package import MartletStreams
package import NIOCore

/// The end of all generations at a shutdown.
///
/// In this order: no generation is admitted; running generations get `grace` to end by themselves; the others are
/// handed over to the next process, or end with one error event.
///
/// Thread: any; `run` once.
package struct GenerationDrain: Sendable {
    private let registry: GenerationRegistry
    private let flag: ShutdownFlag
    private let grace: Duration

    /// Makes the drain of a server.
    /// - Parameter grace: the longest time for which running generations may continue.
    package init(registry: GenerationRegistry, flag: ShutdownFlag, grace: Duration) {
        self.registry = registry
        self.flag = flag
        self.grace = grace
    }

    /// Returns when no generation changes any more. Readers may still have events to write.
    /// - Parameters:
    ///   - eventLoop: measures the grace.
    ///   - onWait: called with the number of running generations if there are any.
    package func run(on eventLoop: any EventLoop, onWait: (Int) -> Void = { _ in }) async {
        flag.set()
        let live = registry.liveCount
        if live > 0 { onWait(live) }
        await registry.waitUntilIdle(upTo: TimeAmount(grace), on: eventLoop)
        registry.handOver(.serverEnds)
    }
}

extension EngineError {
    /// The error of generations that cannot continue in the next process.
    package static let serverEnds = EngineError(.shuttingDown, "The server is shutting down")
}
