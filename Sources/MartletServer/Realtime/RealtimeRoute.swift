internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
internal import NIOCore

/// `GET /v1/realtime`: a WebSocket for generations and orders to them.
///
/// It is a route like others, behind the same checks. The response's head turns the connection into a WebSocket; its body
/// is the session. So any request of a connection can be the one.
struct RealtimeRoute: Sendable {
    let configuration: ServerConfiguration
    let completions: CompletionRoutes
    let control: ControlService
    let loops: ReaderLoops

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/realtime") { request, context in
            do throws(APIError) {
                return open(try SocketHandshake(request, origins: configuration.crossOrigin), context)
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
        let (messages, inbox) = AsyncStream.makeStream(of: [UInt8].self)
        let terms = SocketTerms(
            messageBytes: min(configuration.limits.socketMessageBytes, configuration.limits.bodyBytes),
            pingInterval: configuration.completionDefaults.pingInterval.map { TimeAmount($0) },
            closingTimeout: TimeAmount(configuration.closingTimeout))
        let loop = loops.loop(for: channel.eventLoop)
        channel.withConnection { connection in
            guard let connection else { return inbox.finish() }
            connection.follow(with: SocketHandler(terms: terms, wheel: loop.wheel, inbox: inbox), terms)
        }
        return Response(
            status: .switchingProtocols, headers: handshake.headers,
            body: ResponseBody { [completions, control, loops] _ in
                var session = RealtimeSession(
                    completions: completions, control: control, loops: loops, owner: context.notes.owner,
                    channel: channel)
                await session.run(messages)
                // The socket's handler closes the connection.
                try? await channel.closeFuture.get()
                throw ChannelError.ioOnClosedChannel
            })
    }
}
