internal import NIOCore
internal import NIOPosix

/// A TCP proxy that passes everything on, and cuts each connection when the server has sent a number of bytes.
package final class CuttingProxy: Sendable {
    package let port: Int

    private init(port: Int) { self.port = port }

    /// Runs `body` with a proxy in front of `port` of this machine.
    /// - Parameter limit: how many of the server's bytes a connection passes on before it is cut.
    package static func run(
        to port: Int, cuttingAfter limit: Int, _ body: (CuttingProxy) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMap { server in
                        client.eventLoop.makeCompletedFuture {
                            try client.pipeline.syncOperations.addHandler(PassingHandler(to: server, limit: .max))
                            try server.pipeline.syncOperations.addHandler(PassingHandler(to: client, limit: limit))
                        }.flatMap {
                            client.setOption(.autoRead, value: true).and(server.setOption(.autoRead, value: true))
                        }.map { _ in
                            client.read()
                            server.read()
                        }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(CuttingProxy(port: channel.localAddress?.port ?? 0))
        } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }
}

/// Passes what arrives on to another connection of the same event loop. Thread: that event loop.
private final class PassingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel
    private var left: Int

    init(to other: any Channel, limit: Int) {
        self.other = other
        left = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        guard buffer.readableBytes > left else {
            left -= buffer.readableBytes
            other.writeAndFlush(buffer, promise: nil)
            return
        }
        // Both ends see a connection that closes in the middle.
        if let rest = buffer.readSlice(length: left) { other.write(rest, promise: nil) }
        left = 0
        other.flush()
        other.close(promise: nil)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
