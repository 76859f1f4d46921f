internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletStreams
internal import NIOCore

/// `GET /v1/realtime`: a WebSocket for generations and control commands.
///
/// An ordinary route behind the same middleware. The head of its response switches the protocol, and the response never
/// ends. So any request of a connection can open the WebSocket.
///
/// A class, because its sessions share its properties.
final class RealtimeRoute: Sendable {
    let completions: CompletionRoutes
    let control: ControlService
    let loops: ReaderLoops
    private let pages: PageOriginRule
    private let socketLimits: SocketLimits

    init(
        configuration: ServerConfiguration, completions: CompletionRoutes, control: ControlService, loops: ReaderLoops
    ) {
        self.completions = completions
        self.control = control
        self.loops = loops
        pages = configuration.pageOriginRule
        socketLimits = SocketLimits(
            messageBytes: min(configuration.limits.socketMessageBytes, configuration.limits.bodyBytes),
            pingInterval: configuration.completionDefaults.pingInterval.map { TimeAmount($0) },
            closingTimeout: TimeAmount(configuration.closingTimeout))
    }

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/realtime") { [self] request, context in
            do throws(APIError) {
                return open(try SocketHandshake(request, pages: pages), context)
            } catch {
                var response = Response.error(error)
                if error.fault == .upgradeRequired {
                    response.headers[.upgrade] = "websocket"
                    response.headers[.secWebSocketVersion] = "13"
                }
                return response
            }
        }
    }

    /// Prepares the WebSocket's handler and responds with 101.
    private func open(_ handshake: SocketHandshake, _ context: EdgeContext) -> Response {
        let channel = context.channel
        let session = RealtimeSession(
            of: self, owner: context.requestInfo.owner, mayRaisePriority: context.requestInfo.mayRaisePriority,
            channel: channel)
        let loop = loops.loop(for: channel.eventLoop)
        channel.withConnection { [socketLimits] connection in
            connection?.upgrade(
                with: SocketHandler(socketLimits: socketLimits, wheel: loop.wheel) { await session.receive($0) },
                socketLimits)
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
