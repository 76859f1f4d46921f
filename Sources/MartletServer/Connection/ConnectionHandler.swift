internal import HTTPTypes
internal import MartletAPI
internal import MartletStreams
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOWebSocket

/// What a connection does besides passing requests and responses on: it writes the events of a stream, notices that
/// the client has gone, lets a client go on that waits for `100 Continue`, and refuses bytes that are no HTTP.
///
/// A client that closes its sending side counts as gone, as with every HTTP server. Keep-alive is left intact: what was
/// attached is forgotten when its response has ended.
///
/// A response goes on as long as the reader that is attached to it: its end is kept back until then, and so is what the
/// client asks for meanwhile. So no task has to wait for the reader.
///
/// Thread: the channel's event loop.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler, StreamSink {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a connection that is closed for writing takes bytes from its client. Without it, the system would reset
    /// the connection, and the client would lose the response.
    private static let lingerTime = TimeAmount.seconds(5)
    /// How long a connection beyond the limit may take for a request.
    private static let extraTime = Duration.seconds(5)

    private let connections: OpenConnections
    private let codec: EdgeCodec
    private let limits: ServerConfiguration.Limits
    private var context: ChannelHandlerContext?
    /// Of the HTTP/1.1 encoder, if this is such a connection.
    private var encoder: ChannelHandlerContext?
    private var isDisconnected = false
    /// Between the head of a request and the end of its response.
    private var isResponding = false
    /// Between the head of a request and its end.
    private var isReceiving = false
    /// The response's end, as long as a reader writes what comes before it, and whether the connection is to be closed
    /// for writing behind it.
    private var pendingEnd: (part: NIOAny, promise: EventLoopPromise<Void>?)?
    private var pendingClose: EventLoopPromise<Void>??
    /// What came while a request was being answered that was complete.
    private var pendingInput: [Inbound] = []
    private var isReadWanted = false

    private enum Inbound {
        case part(HTTPRequestPart)
        case error(any Error)
    }
    /// The last response has ended: nothing more is sent, and bytes that come are dropped.
    private var isClosing = false
    /// The client waits for a word before it sends the request's body.
    private var awaitsContinue = false
    /// The request's body is longer than any that is taken.
    private var isTooLong = false
    /// Bytes behind the request are another protocol's; they stay in the decoder and in the system.
    private var asksForUpgrade = false
    private var reader: StreamReader?
    private var disconnectAction: (@Sendable () -> Void)?

    /// Runs from the head of a request to the end of its body.
    private var requestTimer: Scheduled<Void>?
    /// Runs while the client takes nothing.
    private var stallTimer: Scheduled<Void>?
    /// The request's response is the connection's last.
    private var closesAfterResponse = false
    /// Takes the connection over behind the head of a response that says so.
    private var successor: (handler: SocketHandler, socketLimits: SocketLimits)?

    init(connections: OpenConnections, codec: EdgeCodec, limits: ServerConfiguration.Limits) {
        self.connections = connections
        self.codec = codec
        self.limits = limits
    }

    // MARK: For the response in progress

    /// Shows `reader`'s log on this connection. The response's head must have been written.
    func attach(_ reader: StreamReader) {
        guard !isDisconnected else { return reader.detach() }
        self.reader = reader
        reader.attach(to: self)
    }

    /// Calls `action` if the client goes away before the response has ended; at once if it has gone already.
    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        guard !isDisconnected else { return action() }
        disconnectAction = action
    }

    /// A route reads the request's body: a client that waits for that gets `100 Continue`. A request that is refused
    /// before gets the refusal in place of it.
    func continueRequest() {
        guard awaitsContinue, let context else { return }
        awaitsContinue = false
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    /// Lets `socket` take the connection over when the response's head says that the protocol changes.
    func upgrade(with socket: SocketHandler, _ socketLimits: SocketLimits) {
        successor = (socket, socketLimits)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// As one chunk of a chunked body, in one buffer, past the framework's encoder: that would make three writes of it
    /// and costs more than everything else on the way of a token. The encoder keeps no state that this could upset.
    func write(_ bytes: [UInt8]) {
        guard let context else { return }
        guard let encoder, codec.current.isModern else {
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
        PeerKeepAlive.enable(context.channel, stallTimeout: limits.stallTimeout)
        if connections.isExtra(context.channel) { startRequestTimer(context, Self.extraTime) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        handleDisconnect()
        connections.remove(context.channel)
        self.context = nil
        encoder = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(.part(unwrapInboundIn(data)), context)
    }

    private func receive(_ input: Inbound, _ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        guard pendingInput.isEmpty, !isResponding || isReceiving else { return pendingInput.append(input) }
        process(input, on: context)
    }

    private func process(_ input: Inbound, on context: ChannelHandlerContext) {
        switch input {
        case .error(let error): return processError(error, on: context)
        case .part(.head(let head)): begin(head, context)
        case .part(.body): break
        case .part(.end):
            isReceiving = false
            requestTimer?.cancel()
            requestTimer = nil
        }
        if case .part(let part) = input { context.fireChannelRead(wrapInboundOut(part)) }
    }

    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        isResponding = true
        isReceiving = true
        connections.begin(context.channel)
        let fields = head.headerFields
        asksForUpgrade = fields[.upgrade] != nil
        awaitsContinue = codec.current.isModern && fields[.expect]?.lowercased() == "100-continue"
        // Digits that no integer holds are a number, too: the decoder has counted them.
        isTooLong = fields[.contentLength].map { Int($0).map { $0 > limits.bodyBytes } ?? true } ?? false
        closesAfterResponse = asksForUpgrade || codec.current.closes
        let isExtra = connections.isExtra(context.channel)
        startRequestTimer(context, isExtra ? min(Self.extraTime, limits.requestTimeout) : limits.requestTimeout)
    }

    /// Goes on with what came meanwhile, up to the next request's end.
    private func processPending(_ context: ChannelHandlerContext) {
        guard !pendingInput.isEmpty else { return }
        while let input = pendingInput.first, !isClosing, !isResponding || isReceiving {
            pendingInput.removeFirst()
            process(input, on: context)
        }
        context.fireChannelReadComplete()
        if pendingInput.isEmpty, isReadWanted {
            isReadWanted = false
            context.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        if pendingInput.isEmpty, !asksForUpgrade || isReceiving || isClosing {
            context.read()
        } else {
            isReadWanted = true
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.succeed()
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): writeHead(head, context, promise)
        case .body: context.write(data, promise: promise)
        case .end where reader != nil: pendingEnd = (data, promise)
        case .end: writeEnd(data, context, promise)
        }
    }

    private func writeEnd(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        isResponding = false
        disconnectAction = nil
        awaitsContinue = false
        guard closesAfterResponse else {
            connections.end(context.channel)
            context.write(data, promise: promise)
            return processPending(context)
        }
        context.writeAndFlush(data, promise: promise)
        closeAfterLast(context)
    }

    /// Closes for writing at once, and altogether when the client has done so or has had some time for it.
    private func closeAfterLast(_ context: ChannelHandlerContext) {
        isClosing = true
        pendingInput = []
        requestTimer?.cancel()
        let closed = context.eventLoop.makePromise(of: Void.self)
        // That is when all is sent.
        closed.futureResult.assumeIsolated().whenComplete { _ in
            guard !self.isDisconnected else { return }
            self.requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) {
                context.close(promise: nil)
            }
        }
        context.close(mode: .output, promise: closed)
        if isReadWanted {
            isReadWanted = false
            context.read()
        }
    }

    func readerEnded() {
        reader = nil
        guard let context, let (part, promise) = pendingEnd else { return }
        pendingEnd = nil
        writeEnd(part, context, promise)
        context.flush()
        if let promise = pendingClose { close(context: context, mode: .output, promise: promise) }
        pendingClose = nil
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output, isClosing {
            promise?.succeed()
        } else if mode == .output, pendingEnd != nil {
            pendingClose = .some(promise)
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    private func writeHead(
        _ head: HTTPResponse, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        var head = head
        let isSwitching = head.status == .switchingProtocols
        // Such a body is not sent, or has no end, so it is not read to its end.
        let isCut = isReceiving && (awaitsContinue || isTooLong)
        let isRequested = head.headerFields[.connection]?.lowercased() == "close"
        if isCut || isRequested || connections.isExtra(context.channel) { closesAfterResponse = true }
        awaitsContinue = false
        if closesAfterResponse, !isSwitching { head.headerFields[.connection] = "close" }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        guard isSwitching else { return }
        do {
            try switchProtocols(context)
        } catch {
            context.close(promise: nil)
        }
    }

    /// From now on the successor gets what comes, before anything that knows HTTP does. Nothing can have come in
    /// between.
    private func switchProtocols(_ context: ChannelHandlerContext) throws {
        // What is left of a request's body would be taken for frames.
        guard let successor, let encoder, requestTimer == nil else { throw ChannelError.operationUnsupported }
        let pipeline = context.pipeline.syncOperations
        let decoder = try pipeline.context(handlerType: ByteToMessageHandler<EdgeDecoder>.self)
        try pipeline.addHandlers(
            [
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: successor.socketLimits.messageBytes)),
                successor.handler,
            ], position: .after(decoder.handler))
        self.successor = nil
        self.encoder = nil
        // The handlers of HTTP have nothing to do any more, and take some kilobytes. The decoder goes last, as it
        // passes on the bytes behind the request.
        for name in [encoder.name, try pipeline.context(handler: codec).name, decoder.name] {
            pipeline.removeHandler(name: name, promise: nil)
        }
        asksForUpgrade = false
        if isReadWanted {
            isReadWanted = false
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if context.channel.isWritable {
            reader?.pump()
        } else if !isDisconnected {
            // What the client would still get is lost with the connection, and with it what was generated for it.
            stallTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.stallTimeout)) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { handleDisconnect() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        handleDisconnect()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError || error is RefusedRequest {
            receive(.error(error), context)
        } else {
            context.fireErrorCaught(error)
        }
    }

    /// The route that reads a faulty body answers; where no request has begun, this handler does.
    private func processError(_ error: any Error, on context: ChannelHandlerContext) {
        closesAfterResponse = true
        guard !isResponding else { return context.fireErrorCaught(error) }
        let refused = error as? RefusedRequest ?? RefusedRequest(.malformed(error))
        for part in refused.response { context.write(wrapOutboundOut(part), promise: nil) }
        context.flush()
        closeAfterLast(context)
    }

    private func startRequestTimer(_ context: ChannelHandlerContext, _ limit: Duration) {
        requestTimer?.cancel()
        requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            // It may have got a place meanwhile.
            if limit < self.limits.requestTimeout, !self.connections.isExtra(context.channel) {
                return self.startRequestTimer(context, self.limits.requestTimeout)
            }
            // Whoever reads the body gets the error and answers with it; when nobody does, all is said already.
            guard self.isResponding else { return context.close(promise: nil) }
            self.closesAfterResponse = true
            context.fireErrorCaught(RequestTimeout(limit: limit))
        }
    }

    private func handleDisconnect() {
        guard !isDisconnected else { return }
        isDisconnected = true
        requestTimer?.cancel()
        stallTimer?.cancel()
        let (reader, disconnectAction, pendingEnd, pendingClose) = (reader, disconnectAction, pendingEnd, pendingClose)
        self.reader = nil
        self.disconnectAction = nil
        self.pendingEnd = nil
        self.pendingClose = nil
        pendingInput = []
        reader?.detach()
        disconnectAction?()
        guard let pendingEnd else { return }
        // Nobody gets the rest of the response.
        pendingEnd.promise?.fail(ChannelError.ioOnClosedChannel)
        pendingClose??.fail(ChannelError.ioOnClosedChannel)
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
