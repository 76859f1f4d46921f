internal import MartletAPI
internal import MartletStreams
internal import NIOCore
internal import NIOWebSocket

/// Executes the actions of a `SocketStateMachine` on its channel: the server's end of a WebSocket (RFC 6455).
///
/// Backpressure works in both directions. Input stays in the system while 16 messages wait for the session, or while
/// the client does not receive. Output stays in the logs while the client does not receive: a reader is a cursor.
///
/// Thread: the channel's event loop.
final class SocketHandler: ChannelDuplexHandler, StreamSink {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = IOData
    typealias OutboundOut = ByteBuffer

    private let socketLimits: SocketLimits
    private let wheel: TimerWheel
    private let received: @Sendable ([UInt8]) async -> Void
    private var machine: SocketStateMachine<StreamReader>
    private var context: ChannelHandlerContext?

    /// - Parameter received: processes one message of the client. Called for one message at a time, in a new task.
    init(socketLimits: SocketLimits, wheel: TimerWheel, received: @escaping @Sendable ([UInt8]) async -> Void) {
        self.socketLimits = socketLimits
        self.wheel = wheel
        self.received = received
        machine = SocketStateMachine(messageLimit: socketLimits.messageBytes)
    }

    // MARK: For the session

    private func process(_ message: [UInt8]) {
        guard let context else { return }
        let (channel, received) = (context.channel, received)
        Task {
            await received(message)
            channel.withSocket { $0.finishMessage() }
        }
    }

    private func finishMessage() {
        if let next = machine.finishMessage() { process(next) }
        readIfWanted()
    }

    var attachmentCount: Int { machine.attachmentCount }

    func isAttached(to id: String) -> Bool { machine.reader(of: id) != nil }

    /// Writes a log from now on. Detaches the reader at once if the WebSocket is not open.
    func attach(_ reader: StreamReader, to id: String) {
        guard machine.attach(reader, to: id) else { return reader.detach() }
        reader.attach(to: self)
    }

    /// Lets a log's reader write events below `event`.
    /// - Returns: whether there was such an attachment.
    func extendCredit(_ id: String, until event: Int) -> Bool {
        guard let reader = machine.reader(of: id) else { return false }
        reader.extendCredit(until: event)
        return true
    }

    /// - Returns: whether there was such an attachment.
    func detach(from id: String) -> Bool {
        guard let reader = machine.removeReader(of: id) else { return false }
        reader.detach()
        return true
    }

    /// Removes the attachment of a log that has ended.
    func attachmentEnded(_ id: String) { _ = machine.removeReader(of: id) }

    // MARK: Writing

    var isWritable: Bool { machine.state == .open && context?.channel.isWritable ?? false }

    /// Writes whole frames.
    func write(_ bytes: [UInt8]) {
        guard let context, machine.state == .open else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// Empty, as the reader reports its end to the session.
    func readerEnded() {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            readIfWanted()
            var count = 0
            for reader in machine.readersInTurn() where isWritable {
                count += 1
                reader.pump()
            }
            machine.advanceTurn(by: count)
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        if machine.read(isWritable: isWritable) { context.read() }
    }

    private func readIfWanted() {
        if let context, machine.resumeReading(isWritable: isWritable) { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        var plain = MessageAssembler.Frame(
            opcode: UInt8(webSocketOpcode: frame.opcode), payload: Array(frame.unmaskedData.readableBytesView))
        plain.isFinal = frame.fin
        plain.isMasked = frame.maskKey != nil
        plain.usesExtension = frame.rsv1 || frame.rsv2 || frame.rsv3
        switch machine.receive(plain) {
        case .none: break
        case .process(let message): process(message)
        case .pong(let payload): write(SocketFrame.bytes(.pong, payload))
        case .acceptClose(let code):
            end(SocketFrame.close(code.map { SocketCloseReason(code: $0, reason: "") }), on: context)
            context.close(promise: nil)
        case .end(let reason): end(SocketFrame.close(reason), on: context)
        case .disconnect: context.close(promise: nil)
        }
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard let interval = socketLimits.pingInterval else { return }
        wheel.add(at: .now() + interval) { [weak self] now in self?.ping(at: now, every: interval) }
    }

    /// - Returns: the time of the next ping; nil = no more pings.
    private func ping(at now: NIODeadline, every interval: TimeAmount) -> NIODeadline? {
        guard let context else { return nil }
        switch machine.pingDue() {
        case .stop: return nil
        case .disconnect:
            context.close(promise: nil)
            return nil
        case .ping:
            write(SocketFrame.bytes(.ping))
            return now + interval
        }
    }

    /// Writes `frame` as the last one. The client gets `closingTimeout` to send its close frame: a socket that is
    /// closed with unread input in it discards its own last bytes.
    private func end(_ frame: [UInt8], on context: ChannelHandlerContext) {
        write(frame)
        guard let readers = machine.end() else { return }
        for reader in readers { reader.detach() }
        context.eventLoop.assumeIsolated().scheduleTask(in: socketLimits.closingTimeout) { context.close(promise: nil) }
        readIfWanted()
    }

    private func close() {
        for reader in machine.close() { reader.detach() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: end(SocketFrame.close(.shuttingDown), on: context)
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? NIOWebSocketError else { return context.fireErrorCaught(error) }
        let reason: SocketCloseReason =
            switch error {
            case .invalidFrameLength: .tooLarge(limit: socketLimits.messageBytes)
            case .fragmentedControlFrame, .multiByteControlFrameLength:
                .protocolError("A control frame is whole and has at most 125 bytes")
            }
        end(SocketFrame.close(reason), on: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close()
        self.context = nil
    }
}

/// The bounds of every WebSocket of a server.
struct SocketLimits: Sendable {
    /// The most bytes of a client's message.
    var messageBytes: Int
    /// Time between the server's pings; nil = no pings. A client that sends nothing until the next ping is
    /// disconnected.
    var pingInterval: TimeAmount?
    /// The time in which a client may respond to a close frame.
    var closingTimeout: TimeAmount
}

extension Channel {
    /// Calls `body` on the event loop with this connection's WebSocket; not at all when the connection is closed.
    func withSocket(_ body: @escaping @Sendable (SocketHandler) -> Void) {
        eventLoop.execute {
            if let socket = try? self.pipeline.syncOperations.handler(type: SocketHandler.self) { body(socket) }
        }
    }
}
