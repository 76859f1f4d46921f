internal import Logging
internal import MartletGenerations
internal import MartletStreams
internal import NIOCore
internal import ServiceLifecycle

/// Ends the server's generations at a shutdown, so that no open stream keeps the process alive.
///
/// `GenerationDrain` ends the generations; connections that are open `closingTimeout` later are closed. This service
/// stops before the HTTP server, which waits for its connections.
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
        await GenerationDrain(registry: registry, flag: flag, grace: generationGrace).run(on: eventLoop) { live in
            logger.info("waiting for running generations", metadata: ["count": "\(live)"])
        }
        eventLoop.scheduleTask(in: TimeAmount(closingTimeout)) { connections.closeAll() }
    }
}
