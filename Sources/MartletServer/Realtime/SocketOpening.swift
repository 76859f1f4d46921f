internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
internal import NIOCore

/// Opens WebSockets: checks the handshake, installs the handler and responds with 101.
///
/// The head of the response switches the protocol, and the response never ends. So any request of a connection can open
/// the WebSocket, behind the same middleware as every other request.
struct SocketOpening: Sendable {
    let loops: ReaderLoops
    private let pages: PageOriginRule
    private let limits: SocketLimits

    init(_ configuration: ServerConfiguration, loops: ReaderLoops) {
        self.loops = loops
        pages = configuration.pageOriginRule
        limits = SocketLimits(
            messageBytes: min(configuration.limits.socketMessageBytes, configuration.limits.bodyBytes),
            pingInterval: configuration.completionDefaults.pingInterval.map { TimeAmount($0) },
            closingTimeout: TimeAmount(configuration.closingTimeout))
    }

    /// Responds to a handshake.
    /// - Parameter makeReceiver: makes the function that processes the client's messages, one at a time.
    func respond(
        to request: Request, _ context: EdgeContext,
        makeReceiver: () throws(APIError) -> @Sendable ([UInt8]) async -> Void
    ) -> Response {
        do throws(APIError) {
            let handshake = try SocketHandshake(request, pages: pages)
            return open(handshake, context, try makeReceiver())
        } catch {
            var response = Response.error(error)
            if error.fault == .upgradeRequired {
                response.headers[.upgrade] = "websocket"
                response.headers[.secWebSocketVersion] = "13"
            }
            return response
        }
    }

    /// Prepares the WebSocket's handler and responds with 101.
    private func open(
        _ handshake: SocketHandshake, _ context: EdgeContext, _ receive: @escaping @Sendable ([UInt8]) async -> Void
    ) -> Response {
        let channel = context.channel
        let loop = loops.loop(for: channel.eventLoop)
        channel.withConnection { [limits] connection in
            connection?.upgrade(
                with: SocketHandler(socketLimits: limits, wheel: loop.wheel, received: receive), limits)
        }
        return Response(
            status: .switchingProtocols, headers: handshake.headers,
            body: ResponseBody { [requestInfo = context.requestInfo] _ in
                requestInfo.continueAfterTask()
                // `SocketHandler` closes the connection.
                channel.closeFuture.whenComplete { _ in requestInfo.end() }
            })
    }
}
