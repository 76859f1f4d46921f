internal import HTTPTypes
internal import MartletAPI
internal import MartletStreams
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOWebSocket

/// Executes the actions of a `ConnectionStateMachine` on its channel.
///
/// The handler adds four things to the framework's connection: it writes the events of a stream, reports a disconnect
/// to the route, sends `100 Continue` when a route reads the body, and refuses bytes that are no HTTP.
///
/// A client that closes its sending side counts as disconnected, as with every HTTP server. A response lasts as long as
/// the reader that is attached to it: its end is retained until then, and so are the client's next requests. So no task
/// waits for the reader.
///
/// Thread: the channel's event loop.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler, StreamSink {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The time for which a connection that is closed for writing still reads. Without it, the system would reset the
    /// connection, and the client would lose the response.
    private static let lingerTime = TimeAmount.seconds(5)
    /// The time for a request on a connection beyond the limit.
    private static let extraTime = Duration.seconds(5)

    private enum Inbound {
        case part(HTTPRequestPart)
        case error(any Error)
    }
    /// The end of a response whose reader still writes.
    private struct HeldEnd {
        let part: NIOAny
        let promise: EventLoopPromise<Void>?
        /// Of the close that the server asked for meanwhile. The state machine knows whether it did.
        var closePromise: EventLoopPromise<Void>?
    }

    private let connections: OpenConnections
    private let codec: EdgeCodec
    private let limits: ServerConfiguration.Limits
    private var machine = ConnectionStateMachine<Inbound>()
    private var context: ChannelHandlerContext?
    /// The context of the HTTP/1.1 encoder; nil on other channels and after an upgrade.
    private var encoder: ChannelHandlerContext?
    private var heldEnd: HeldEnd?
    private var reader: StreamReader?
    private var disconnectAction: (@Sendable () -> Void)?
    /// Runs from the head of a request to the end of its body, and while a closing connection lingers.
    private var requestTimer: Scheduled<Void>?
    /// Runs while the client receives nothing.
    private var stallTimer: Scheduled<Void>?
    /// Handles the connection after a response `101 Switching Protocols`.
    private var successor: (handler: SocketHandler, socketLimits: SocketLimits)?

    init(connections: OpenConnections, codec: EdgeCodec, limits: ServerConfiguration.Limits) {
        self.connections = connections
        self.codec = codec
        self.limits = limits
    }

    // MARK: For the response in progress

    /// Writes `reader`'s log as the response's body. The response's head must have been written.
    func attach(_ reader: StreamReader) {
        guard machine.attachReader() else { return reader.detach() }
        self.reader = reader
        reader.attach(to: self)
    }

    /// Calls `action` if the client disconnects before the response has ended; at once if it has already.
    ///
    /// A connection has one action, the newest: the parts of a request that wait come one after another.
    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        guard !machine.isDisconnected else { return action() }
        disconnectAction = action
    }

    /// Sends `100 Continue` if the client awaits it. Called when a route reads the request's body: a request that is
    /// refused before gets only the refusal.
    func continueRequest() {
        guard let context, machine.continueRequest() else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    /// Makes `socket` the connection's handler when the response's head switches protocols.
    func upgrade(with socket: SocketHandler, _ socketLimits: SocketLimits) {
        successor = (socket, socketLimits)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Writes one chunk of a chunked body in one buffer, and bypasses the framework's encoder.
    ///
    /// The encoder would make three writes of it, which cost more than the rest of a token's way. It has no state that
    /// the bypass could corrupt.
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

    func readerEnded() {
        reader = nil
        guard case .writeEnd(let action, let closesOutput) = machine.readerEnded(), let context, let held = heldEnd
        else { return }
        heldEnd = nil
        writeEnd(action, held, context)
        context.flush()
        if closesOutput { close(context: context, mode: .output, promise: held.closePromise) }
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        connections.add(context.channel)
        PeerKeepAlive.enable(context.channel, stallTimeout: limits.stallTimeout)
        if connections.isExtra(context.channel) { startRequestTimer(context, Self.extraTime) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        disconnect()
        connections.remove(context.channel)
        self.context = nil
        encoder = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { disconnect() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        disconnect()
        context.fireChannelInactive()
    }

    private func disconnect() {
        let action = machine.disconnect()
        guard action != .none else { return }
        requestTimer?.cancel()
        stallTimer?.cancel()
        let (reader, disconnectAction, held) = (reader, disconnectAction, heldEnd)
        self.reader = nil
        self.disconnectAction = nil
        heldEnd = nil
        reader?.detach()
        disconnectAction?()
        guard action == .cut else { return }
        held?.promise?.fail(ChannelError.ioOnClosedChannel)
        held?.closePromise?.fail(ChannelError.ioOnClosedChannel)
        context?.close(promise: nil)
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(.part(unwrapInboundIn(data)), context)
    }

    /// A closing connection reads on by itself: handlers behind this one may hold their reads back for good, as the
    /// task that read the request has ended. Unread bytes would reset the connection, and the client would lose the
    /// response.
    func channelReadComplete(context: ChannelHandlerContext) {
        if machine.isClosing { context.read() } else { context.fireChannelReadComplete() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError || error is RefusedRequest {
            receive(.error(error), context)
        } else {
            context.fireErrorCaught(error)
        }
    }

    private func receive(_ input: Inbound, _ context: ChannelHandlerContext) {
        if let input = machine.receive(input) { process(input, on: context) }
    }

    private func process(_ input: Inbound, on context: ChannelHandlerContext) {
        switch input {
        case .error(let error): return process(error, on: context)
        case .part(.head(let head)): begin(head, context)
        case .part(.body): break
        case .part(.end):
            machine.endRequest()
            requestTimer?.cancel()
            requestTimer = nil
        }
        if case .part(let part) = input { context.fireChannelRead(wrapInboundOut(part)) }
    }

    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        connections.begin(context.channel)
        let fields = head.headerFields
        var request = ConnectionStateMachine<Inbound>.Request()
        request.asksForUpgrade = fields[.upgrade] != nil
        request.awaitsContinue = codec.current.isModern && fields[.expect]?.lowercased() == "100-continue"
        // Digits beyond the range of integers are a number, too: the decoder has checked the digits.
        request.isTooLong = fields[.contentLength].map { Int($0).map { $0 > limits.bodyBytes } ?? true } ?? false
        request.closes = codec.current.closes
        machine.beginRequest(request)
        let isExtra = connections.isExtra(context.channel)
        startRequestTimer(context, isExtra ? min(Self.extraTime, limits.requestTimeout) : limits.requestTimeout)
    }

    /// The route that reads a faulty body responds to the error; without a request, this handler responds.
    private func process(_ error: any Error, on context: ChannelHandlerContext) {
        switch machine.fail() {
        case .forward: context.fireErrorCaught(error)
        case .refuse:
            let refused = error as? RefusedRequest ?? RefusedRequest(.malformed(error))
            for part in refused.response { context.write(wrapOutboundOut(part), promise: nil) }
            context.flush()
            closeAfterLast(context)
        }
    }

    /// Processes queued inputs up to the end of the next request.
    private func processQueued(_ context: ChannelHandlerContext) {
        guard let first = machine.nextQueued() else { return readIfWanted(context) }
        process(first, on: context)
        while let input = machine.nextQueued() { process(input, on: context) }
        context.fireChannelReadComplete()
        readIfWanted(context)
    }

    func read(context: ChannelHandlerContext) {
        if machine.read() { context.read() }
    }

    private func readIfWanted(_ context: ChannelHandlerContext) {
        if machine.resumeReading() { context.read() }
    }

    // MARK: Output

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !machine.isClosing else {
            promise?.succeed()
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): writeHead(head, context, promise)
        case .body: context.write(data, promise: promise)
        case .end: writeEnd(machine.endResponse(), HeldEnd(part: data, promise: promise), context)
        }
    }

    private func writeHead(
        _ head: HTTPResponse, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        var head = head
        let isSwitching = head.status == .switchingProtocols
        let isRequested = head.headerFields[.connection]?.lowercased() == "close"
        let isLast = machine.beginResponse(closes: isRequested || connections.isExtra(context.channel))
        if isLast, !isSwitching { head.headerFields[.connection] = "close" }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        guard isSwitching else { return }
        do {
            try switchProtocols(context)
        } catch {
            context.close(promise: nil)
        }
    }

    private func writeEnd(
        _ action: ConnectionStateMachine<Inbound>.EndAction, _ end: HeldEnd, _ context: ChannelHandlerContext
    ) {
        guard action != .hold else { return heldEnd = end }
        disconnectAction = nil
        if action == .writeLast {
            context.writeAndFlush(end.part, promise: end.promise)
            closeAfterLast(context)
        } else {
            connections.end(context.channel)
            context.write(end.part, promise: end.promise)
            processQueued(context)
        }
    }

    /// Closes for writing now, and for reading when the client has closed its side or `lingerTime` has passed.
    private func closeAfterLast(_ context: ChannelHandlerContext) {
        requestTimer?.cancel()
        // Succeeds when the system has accepted every byte.
        let closed = context.eventLoop.makePromise(of: Void.self)
        closed.futureResult.assumeIsolated().whenComplete { _ in
            guard !self.machine.isDisconnected else { return }
            self.requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) {
                context.close(promise: nil)
            }
        }
        context.close(mode: .output, promise: closed)
        context.read()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else { return context.close(mode: mode, promise: promise) }
        switch machine.closeOutput() {
        case .succeed: promise?.succeed()
        case .hold: heldEnd?.closePromise = promise
        case .close: context.close(mode: mode, promise: promise)
        }
    }

    /// Inserts the successor in front of every handler that knows HTTP, and removes those. No input can have come
    /// in between, as bytes after a request for an upgrade are not read.
    private func switchProtocols(_ context: ChannelHandlerContext) throws {
        guard let successor, let encoder, machine.switchProtocols() else { throw ChannelError.operationUnsupported }
        let pipeline = context.pipeline.syncOperations
        let decoder = try pipeline.context(handlerType: ByteToMessageHandler<EdgeDecoder>.self)
        try pipeline.addHandlers(
            [
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: successor.socketLimits.messageBytes)),
                successor.handler,
            ], position: .after(decoder.handler))
        self.successor = nil
        self.encoder = nil
        // The handlers of HTTP occupy some kilobytes. The decoder is removed last, as it passes on the bytes after the
        // request.
        for name in [encoder.name, try pipeline.context(handler: codec).name, decoder.name] {
            pipeline.removeHandler(name: name, promise: nil)
        }
        readIfWanted(context)
    }

    // MARK: Time

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if context.channel.isWritable {
            reader?.pump()
        } else if !machine.isDisconnected {
            // The rest of the response is lost with the connection, and a plain generation ends with it.
            stallTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.stallTimeout)) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    private func startRequestTimer(_ context: ChannelHandlerContext, _ limit: Duration) {
        requestTimer?.cancel()
        requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            // Meanwhile the connection may have become one within the limit.
            if limit < self.limits.requestTimeout, !self.connections.isExtra(context.channel) {
                return self.startRequestTimer(context, self.limits.requestTimeout)
            }
            switch self.machine.timeOut() {
            case .close: context.close(promise: nil)
            case .fail: context.fireErrorCaught(RequestTimeout(limit: limit))
            }
        }
    }
}

extension Channel {
    /// Calls `body` on the event loop with this connection's handler; with nil when the connection is closed.
    func withConnection(_ body: @escaping @Sendable (ConnectionHandler?) -> Void) {
        eventLoop.execute {
            body(try? self.pipeline.syncOperations.handler(type: ConnectionHandler.self))
        }
    }
}
