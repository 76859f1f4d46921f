internal import Logging
internal import MartletGenerations
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import ServiceLifecycle

/// Ends the server's generations at a shutdown, so that no open stream keeps the process alive.
///
/// In this order: no generation is admitted; running generations get `generationGrace` to end by themselves; the others
/// are handed over to the next process, or end with one error event; connections that are open `closingTimeout` later
/// are closed. This service stops before the HTTP server, which waits for its connections.
struct DrainService: Service {
    let registry: GenerationRegistry
    let connections: OpenConnections
    let flag: ShutdownFlag
    let generationGrace: Duration
    let closingTimeout: Duration
    let eventLoop: any EventLoop
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        flag.set()
        let live = registry.liveCount
        if live > 0 { logger.info("waiting for running generations", metadata: ["count": "\(live)"]) }
        await registry.waitUntilIdle(upTo: TimeAmount(generationGrace), on: eventLoop)
        registry.handOver(.serverEnds)
        eventLoop.scheduleTask(in: TimeAmount(closingTimeout)) { connections.closeAll() }
    }
}

extension EngineError {
    /// The error of generations that cannot continue in the next process.
    static let serverEnds = EngineError(.shuttingDown, "The server is shutting down")
}
