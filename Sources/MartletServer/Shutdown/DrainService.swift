internal import Logging
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import ServiceLifecycle
internal import Synchronization

/// Whether the server is being shut down: nothing new is admitted then.
final class ShutdownFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}

/// Ends the server's generations when it is shut down, so that no open stream keeps the process alive.
///
/// In order: nothing new is admitted; running generations get some time to end by themselves; the others are handed
/// over to the next process if they can be, else they end with one error event; connections that then still are open
/// are closed. This service stops before the HTTP
/// server does, which waits for its connections.
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
    /// What generations end with that cannot go on in the next process.
    static let serverEnds = EngineError(.shuttingDown, "The server is shutting down")
}
