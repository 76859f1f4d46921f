internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
internal import NIOCore

/// `GET /v1/realtime`: a WebSocket for generations and orders to them.
///
/// It is a route like others, behind the same checks. The response's head turns the connection into a WebSocket, and
/// its end never comes. So any request of a connection can be the one.
///
/// A class, so that its sessions share what it has.
final class RealtimeRoute: Sendable {
    let completions: CompletionRoutes
    let control: ControlService
    let loops: ReaderLoops
    private let crossOrigin: CrossOriginPolicy
    private let socketLimits: SocketLimits

    init(
        configuration: ServerConfiguration, completions: CompletionRoutes, control: ControlService, loops: ReaderLoops
    ) {
        self.completions = completions
        self.control = control
        self.loops = loops
        crossOrigin = configuration.crossOrigin
        socketLimits = SocketLimits(
            messageBytes: min(configuration.limits.socketMessageBytes, configuration.limits.bodyBytes),
            pingInterval: configuration.completionDefaults.pingInterval.map { TimeAmount($0) },
            closingTimeout: TimeAmount(configuration.closingTimeout))
    }

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/realtime") { [self] request, context in
            do throws(APIError) {
                return open(try SocketHandshake(request, origins: crossOrigin), context)
            } catch {
                var response = Response.error(error)
                if case .upgradeRequired = error.kind {
                    response.headers[.upgrade] = "websocket"
                    response.headers[.secWebSocketVersion] = "13"
                }
                return response
            }
        }
    }

    private func open(_ handshake: SocketHandshake, _ context: EdgeContext) -> Response {
        let channel = context.channel
        let session = RealtimeSession(of: self, owner: context.requestInfo.owner, channel: channel)
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
                // The socket's handler closes the connection.
                channel.closeFuture.whenComplete { _ in requestInfo.end() }
            })
    }
}
