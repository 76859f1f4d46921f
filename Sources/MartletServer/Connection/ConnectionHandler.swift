internal import HTTPTypes
internal import MartletAPI
internal import MartletStreams
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1
internal import NIOWebSocket

#if canImport(Glibc)
    internal import Glibc
#endif

/// What a connection does besides passing requests and responses on: it writes the events of a stream, notices that
/// the client has gone, answers `Expect: 100-continue`, and refuses what is no HTTP.
///
/// A client that closes its sending side counts as gone, as with every HTTP server. Keep-alive is left intact: what was
/// attached is forgotten when its response has ended.
///
/// A response goes on as long as the reader that is attached to it: its end is kept back until then, and so is what the client
/// asks for meanwhile. So no task has to wait for the reader.
///
/// Thread: the channel's event loop.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler, StreamSink {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: OpenConnections
    private let requestTimeout: Duration
    private let stallTimeout: Duration
    private var context: ChannelHandlerContext?
    /// Of the HTTP/1.1 encoder, if this is such a connection.
    private var encoder: ChannelHandlerContext?
    private var isGone = false
    /// Between the head of a request and the end of its response.
    private var isAnswering = false
    /// Between the head of a request and its end.
    private var isReceiving = false
    /// The response's end, as long as a reader writes what comes before it, and whether the connection is to be closed for
    /// writing behind it.
    private var heldEnd: (part: NIOAny, promise: EventLoopPromise<Void>?)?
    private var heldClose: EventLoopPromise<Void>??
    /// What came while a request was being answered that was complete.
    private var held: [Inbound] = []
    private var isReadWanted = false

    private enum Inbound {
        case part(HTTPRequestPart)
        case error(any Error)
    }
    /// The client sent what is no HTTP and was told so; nothing more is sent.
    private var isRefused = false
    private var reader: StreamReader?
    private var abandoned: (@Sendable () -> Void)?

    /// Runs from the head of a request to the end of its body.
    private var requestTimer: Scheduled<Void>?
    /// Runs while the client takes nothing.
    private var stallTimer: Scheduled<Void>?
    /// The request was given up, or asks for another protocol; its response is the connection's last.
    private var closesAfterResponse = false
    /// Takes the connection over behind the head of a response that says so.
    private var successor: (handler: SocketHandler, terms: SocketTerms)?

    init(connections: OpenConnections, limits: ServerConfiguration.Limits) {
        self.connections = connections
        requestTimeout = limits.requestTimeout
        stallTimeout = limits.stallTimeout
    }

    // MARK: For the response in progress

    /// Shows `reader`'s log on this connection. The response's head must have been written.
    func attach(_ reader: StreamReader) {
        guard !isGone else { return reader.detach() }
        self.reader = reader
        reader.attach(to: self)
    }

    /// Calls `action` if the client goes away before the response has ended; at once if it has gone already.
    func onAbandoned(_ action: @escaping @Sendable () -> Void) {
        guard !isGone else { return action() }
        abandoned = action
    }

    /// Lets `socket` take the connection over when the response's head says that the protocol changes.
    func follow(with socket: SocketHandler, _ terms: SocketTerms) {
        successor = (socket, terms)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// As one chunk of a chunked body, in one buffer, past the framework's encoder: that would make three writes of it
    /// and costs more than everything else on the way of a token. The encoder keeps no state that this could upset.
    func write(_ bytes: [UInt8]) {
        guard let context else { return }
        guard let encoder else {
            context.writeAndFlush(wrapOutboundOut(.body(ByteBuffer(bytes: bytes))), promise: nil)
            return
        }
        var buffer = context.channel.allocator.buffer(capacity: bytes.count + 20)
        buffer.writeString(String(bytes.count, radix: 16))
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(bytes)
        buffer.writeStaticString("\r\n")
        encoder.writeAndFlush(NIOAny(IOData.byteBuffer(buffer)), promise: nil)
    }

    // MARK: ChannelHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        connections.add(context.channel)
        watchPeer(context)
    }

    /// Lets the system notice a client that has vanished without a word: by what it does not acknowledge, pings included,
    /// and by probes where nothing is sent.
    private func watchPeer(_ context: ChannelHandlerContext) {
        guard context.remoteAddress?.port != nil else { return }
        _ = context.channel.setOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            let seconds = Int32(clamping: stallTimeout.components.seconds)
            for (option, value) in [
                (TCP_KEEPIDLE, max(seconds / 2, 1)), (TCP_KEEPINTVL, max(seconds / 6, 1)),
                (TCP_USER_TIMEOUT, Int32(clamping: Int64(max(seconds, 1)) * 1_000)),
            ] {
                let type = ChannelOptions.Types.SocketOption(
                    level: .tcp, name: NIOBSDSocket.Option(rawValue: CInt(option)))
                _ = context.channel.setOption(type, value: Int(value))
            }
        #endif
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        connections.remove(context.channel)
        self.context = nil
        encoder = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(.part(unwrapInboundIn(data)), context)
    }

    private func take(_ input: Inbound, _ context: ChannelHandlerContext) {
        guard held.isEmpty, !isAnswering || isReceiving else { return held.append(input) }
        pass(input, on: context)
    }

    private func pass(_ input: Inbound, on context: ChannelHandlerContext) {
        switch input {
        case .error(let error): return passError(error, on: context)
        case .part(.head(let head)):
            isAnswering = true
            isReceiving = true
            // The framework's decoder reads no further request then.
            closesAfterResponse = head.headerFields[.upgrade] != nil
            if head.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            startRequestTimer(context)
        case .part(.body): break
        case .part(.end):
            isReceiving = false
            requestTimer?.cancel()
            requestTimer = nil
        }
        if case .part(let part) = input { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// Goes on with what came meanwhile, up to the next request's end.
    private func passHeld(_ context: ChannelHandlerContext) {
        guard !held.isEmpty else { return }
        while let input = held.first, !isAnswering || isReceiving {
            held.removeFirst()
            pass(input, on: context)
        }
        context.fireChannelReadComplete()
        if held.isEmpty, isReadWanted {
            isReadWanted = false
            context.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        if held.isEmpty { context.read() } else { isReadWanted = true }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isRefused else {
            promise?.succeed()
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): writeHead(head, context, promise)
        case .body: context.write(data, promise: promise)
        case .end where reader != nil: heldEnd = (data, promise)
        case .end: writeEnd(data, context, promise)
        }
    }

    private func writeEnd(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        isAnswering = false
        abandoned = nil
        guard closesAfterResponse else {
            context.write(data, promise: promise)
            return passHeld(context)
        }
        context.writeAndFlush(data, promise: promise)
        context.close(promise: nil)
    }

    func readerEnded() {
        reader = nil
        guard let context, let (part, promise) = heldEnd else { return }
        heldEnd = nil
        writeEnd(part, context, promise)
        context.flush()
        if let promise = heldClose { context.close(mode: .output, promise: promise) }
        heldClose = nil
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output, heldEnd != nil {
            heldClose = .some(promise)
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    private func writeHead(
        _ head: HTTPResponse, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        var head = head
        let isSwitching = head.status == .switchingProtocols
        if closesAfterResponse, !isSwitching { head.headerFields[.connection] = "close" }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        guard isSwitching else { return }
        do {
            try handOver(context)
        } catch {
            context.close(promise: nil)
        }
    }

    /// From now on the successor gets what comes, before anything that knows HTTP does. Nothing can have come in between.
    private func handOver(_ context: ChannelHandlerContext) throws {
        // What is left of a request's body would be taken for frames.
        guard let successor, let encoder, requestTimer == nil else { throw ChannelError.operationUnsupported }
        try context.pipeline.syncOperations.addHandlers(
            [
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: successor.terms.messageBytes)),
                successor.handler,
            ], position: .before(encoder.handler))
        self.successor = nil
        self.encoder = nil
        // What knows HTTP has nothing to do any more, and takes some kilobytes.
        for name in [
            encoder.name,
            try context.pipeline.syncOperations.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
                .name,
            try context.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self).name,
        ] {
            context.pipeline.syncOperations.removeHandler(name: name, promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if context.channel.isWritable {
            reader?.pump()
        } else if !isGone {
            // What the client would still get is lost with the connection, and with it what was generated for it.
            stallTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(stallTimeout)) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    /// The framework closes the connection after an error. It answers a request whose head it has seen; this answers one
    /// that never came to that.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError { take(.error(error), context) } else { context.fireErrorCaught(error) }
    }

    private func passError(_ error: any Error, on context: ChannelHandlerContext) {
        if !isAnswering, !isRefused {
            let error = APIError.malformed(error)
            let body = error.body()
            let head = HTTPResponse(
                status: HTTPResponse.Status(code: error.status),
                headerFields: [
                    .contentType: "application/json; charset=utf-8", .contentLength: "\(body.count)",
                    .connection: "close",
                ])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            isRefused = true
        }
        context.fireErrorCaught(error)
    }

    private func startRequestTimer(_ context: ChannelHandlerContext) {
        requestTimer?.cancel()
        requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(requestTimeout)) {
            // Whoever reads the body gets the error and answers with it; when nobody does, all is said already.
            guard self.isAnswering else { return context.close(promise: nil) }
            self.closesAfterResponse = true
            context.fireErrorCaught(RequestTimeout(limit: self.requestTimeout))
        }
    }

    private func leave() {
        guard !isGone else { return }
        isGone = true
        requestTimer?.cancel()
        stallTimer?.cancel()
        let (reader, abandoned, heldEnd, heldClose) = (reader, abandoned, heldEnd, heldClose)
        self.reader = nil
        self.abandoned = nil
        self.heldEnd = nil
        self.heldClose = nil
        held = []
        reader?.detach()
        abandoned?()
        guard let heldEnd else { return }
        // Nobody gets the rest of the response.
        heldEnd.promise?.fail(ChannelError.ioOnClosedChannel)
        heldClose??.fail(ChannelError.ioOnClosedChannel)
        context?.close(promise: nil)
    }
}

extension Channel {
    /// Calls `body` with this connection's handler, on the event loop; with `nil` when the connection is closed.
    func withConnection(_ body: @escaping @Sendable (ConnectionHandler?) -> Void) {
        eventLoop.execute {
            body(try? self.pipeline.syncOperations.handler(type: ConnectionHandler.self))
        }
    }
}
