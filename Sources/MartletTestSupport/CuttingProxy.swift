internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A TCP proxy that closes each connection after a number of bytes from the server. It passes on everything before.
///
/// Tests use it to break streams at every position.
package final class CuttingProxy: Sendable {
    /// The port of the proxy on 127.0.0.1.
    package let port: Int
    private let channels = Mutex<[any Channel]>([])
    private let cuts = Atomic(0)

    /// Proxies are created by ``run(to:cuttingAfter:_:)`` only.
    private init(port: Int) { self.port = port }

    /// The number of connections that the proxy closed.
    package var cutCount: Int { cuts.load(ordering: .acquiring) }

    /// Runs `body` with a proxy in front of `port` of this machine. Open connections are closed afterwards.
    /// - Parameter limit: The number of bytes from the server that pass before the proxy closes the connection. Bytes
    ///   from the client are not limited.
    package static func run<Result>(
        to port: Int, cuttingAfter limit: Int, _ body: (CuttingProxy) async throws -> Result
    ) async throws -> Result {
        let made = Mutex<CuttingProxy?>(nil)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { client in
                made.withLock { $0 }?.pass(from: client, to: port, cuttingAfter: limit)
                    ?? client.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
            }
            .bind(host: "127.0.0.1", port: 0).get()
        // The system chooses the port, so no connection arrives before this line.
        let proxy = CuttingProxy(port: listener.localAddress?.port ?? 0)
        made.withLock { $0 = proxy }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(proxy))
        } catch {
            result = .failure(error)
        }
        try await listener.close()
        for channel in proxy.channels.withLock({ $0 }) { channel.close(promise: nil) }
        return try result.get()
    }

    /// Connects to the server and joins both connections. Data flows in both directions from then on.
    private func pass(from client: any Channel, to port: Int, cuttingAfter limit: Int) -> EventLoopFuture<Void> {
        // On the client's event loop, so that each may touch the other's pipeline. Nothing is read before both have
        // their handlers: the client is not registered until this has succeeded, and the server is first to be asked.
        ClientBootstrap(group: client.eventLoop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port)
            .flatMap { server in
                self.channels.withLock { $0 += [client, server] }
                return client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(PassingHandler(to: server))
                    try server.pipeline.syncOperations.addHandler(
                        PassingHandler(to: client, limit: limit) { self.cuts.add(1, ordering: .acquiringAndReleasing) })
                }
            }
    }
}

/// Passes bytes and the end of a connection on to another connection of the same event loop.
///
/// Thread: that event loop.
private final class PassingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    /// The opposite connection.
    private let other: any Channel
    /// The number of bytes that may still pass.
    private var left: Int
    private var isCut = false
    /// Called once, when the limit is reached.
    private let cut: () -> Void

    /// A handler for one direction. The default limit is never reached.
    init(to other: any Channel, limit: Int = .max, cut: @escaping () -> Void = {}) {
        self.other = other
        left = limit
        self.cut = cut
    }

    /// Passes bytes on up to the limit, then closes both connections.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        guard buffer.readableBytes > left else {
            left -= buffer.readableBytes
            other.writeAndFlush(buffer, promise: nil)
            return
        }
        // For both sides the connection closes in the middle of the response.
        guard !isCut else { return }
        isCut = true
        cut()
        let rest = buffer.readSlice(length: left) ?? ByteBuffer()
        let other = other
        other.writeAndFlush(rest).whenComplete { _ in other.close(promise: nil) }
        context.close(promise: nil)
    }

    /// Passes on the end of the sending side, so that half-closed connections work.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { other.close(mode: .output, promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    /// A closed connection closes the opposite one.
    func channelInactive(context: ChannelHandlerContext) {
        // After the limit the opposite side closes itself, when its last bytes are written.
        if !isCut { other.close(promise: nil) }
    }

    /// A reset is passed on as a close.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
