internal import MartletAPI
internal import MartletStreams
internal import NIOCore
internal import NIOWebSocket

/// The server's end of a WebSocket: reads messages, writes what logs and the session say, and keeps to RFC 6455.
///
/// What has to be read stays in the system while 16 messages wait for the session, or while the client takes nothing.
/// What has to be written stays in the logs while the client takes nothing: a reader is a cursor.
///
/// Thread: the channel's event loop.
final class SocketHandler: ChannelDuplexHandler, StreamSink {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = IOData
    typealias OutboundOut = ByteBuffer

    private enum State {
        case open
        /// A close frame was sent; only the client's is waited for.
        case closing
        case closed
    }
    private struct Attachment {
        var id: String
        var reader: StreamReader
    }

    private static let queueLimit = 16

    private let socketLimits: SocketLimits
    private let wheel: TimerWheel
    private let received: @Sendable ([UInt8]) async -> Void
    private var assembler: MessageAssembler
    private var context: ChannelHandlerContext?
    private var state = State.open
    /// Messages that the session has not dealt with. It is busy with the first one.
    private var queue: [[UInt8]] = []
    /// Whether the channel asked for more while nothing was to be read.
    private var isReadWanted = false
    private var attachments: [Attachment] = []
    /// Which attachment is first to write when the client takes more again, so that each has its turn.
    private var nextWriter = 0
    /// Whether the client sent anything since the last ping.
    private var hasReceived = true

    /// - Parameter received: deals with one of the client's messages. Called for one at a time, in a task of its own.
    init(socketLimits: SocketLimits, wheel: TimerWheel, received: @escaping @Sendable ([UInt8]) async -> Void) {
        self.socketLimits = socketLimits
        self.wheel = wheel
        self.received = received
        assembler = MessageAssembler(limit: socketLimits.messageBytes)
    }

    // MARK: For the session

    private func processFirst() {
        guard let context, let message = queue.first else { return }
        let (channel, received) = (context.channel, received)
        Task {
            await received(message)
            channel.withSocket { $0.finishFirst() }
        }
    }

    private func finishFirst() {
        guard !queue.isEmpty else { return }
        queue.removeFirst()
        processFirst()
        readIfWanted()
    }

    var attachmentCount: Int { attachments.count }

    func isAttached(to id: String) -> Bool { attachments.contains { $0.id == id } }

    /// Shows a log from now on.
    func attach(_ reader: StreamReader, to id: String) {
        guard case .open = state else { return reader.detach() }
        attachments.append(Attachment(id: id, reader: reader))
        reader.attach(to: self)
    }

    /// The client takes more of a log.
    /// - Returns: whether there was such an attachment.
    func extendCredit(_ id: String, until event: Int) -> Bool {
        guard let attachment = attachments.first(where: { $0.id == id }) else { return false }
        attachment.reader.extendCredit(until: event)
        return true
    }

    /// - Returns: whether there was such an attachment.
    func detach(from id: String) -> Bool {
        guard let attachment = remove(id) else { return false }
        attachment.reader.detach()
        return true
    }

    /// The log has ended.
    func attachmentEnded(_ id: String) { _ = remove(id) }

    private func remove(_ id: String) -> Attachment? {
        guard let index = attachments.firstIndex(where: { $0.id == id }) else { return nil }
        return attachments.remove(at: index)
    }

    // MARK: Writing

    var isWritable: Bool { state == .open && context?.channel.isWritable ?? false }

    /// Sends whole frames.
    func write(_ bytes: [UInt8]) {
        guard let context, case .open = state else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// The session is told by the reader.
    func readerEnded() {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            readIfWanted()
            let line = attachments.indices.map { attachments[($0 + nextWriter) % attachments.count].reader }
            for reader in line where isWritable {
                nextWriter += 1
                reader.pump()
            }
            nextWriter = attachments.isEmpty ? 0 : nextWriter % attachments.count
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Reading

    private var isReading: Bool { state != .open || queue.count < Self.queueLimit && isWritable }

    func read(context: ChannelHandlerContext) {
        if isReading { context.read() } else { isReadWanted = true }
    }

    private func readIfWanted() {
        guard isReadWanted, isReading, let context else { return }
        isReadWanted = false
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        hasReceived = true
        var plain = MessageAssembler.Frame(
            opcode: UInt8(webSocketOpcode: frame.opcode), payload: Array(frame.unmaskedData.readableBytesView))
        plain.isFinal = frame.fin
        plain.isMasked = frame.maskKey != nil
        plain.usesExtension = frame.rsv1 || frame.rsv2 || frame.rsv3
        guard case .open = state else {
            // Whatever comes before the client's close frame is not wanted any more.
            if plain.opcode == SocketFrame.Kind.close.rawValue { context.close(promise: nil) }
            return
        }
        do throws(SocketCloseReason) {
            switch try assembler.append(plain) {
            case .none: break
            case .message(let text):
                queue.append(text)
                if queue.count == 1 { processFirst() }
            case .ping(let payload): write(SocketFrame.bytes(.pong, payload))
            case .close(let code):
                end(SocketFrame.close(code.map { SocketCloseReason(code: $0, reason: "") }), on: context)
                context.close(promise: nil)
            }
        } catch {
            end(SocketFrame.close(error), on: context)
        }
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard let interval = socketLimits.pingInterval else { return }
        wheel.add(at: .now() + interval) { [weak self] now in self?.ping(at: now, every: interval) }
    }

    /// - Returns: when the next ping is due; `nil` = never.
    private func ping(at now: NIODeadline, every interval: TimeAmount) -> NIODeadline? {
        guard let context, case .open = state else { return nil }
        // Who is not read cannot be heard.
        guard hasReceived || isReadWanted else {
            context.close(promise: nil)
            return nil
        }
        hasReceived = false
        write(SocketFrame.bytes(.ping))
        return now + interval
    }

    /// Says no more than `frame`. The client gets some time to say the same, as a socket that is closed with something
    /// unread in it takes its last words back.
    private func end(_ frame: [UInt8], on context: ChannelHandlerContext) {
        guard case .open = state else { return }
        write(frame)
        state = .closing
        detachAll()
        context.eventLoop.assumeIsolated().scheduleTask(in: socketLimits.closingTimeout) { context.close(promise: nil) }
        readIfWanted()
    }

    private func detachAll() {
        queue.removeLast(max(0, queue.count - 1))
        let left = attachments
        attachments = []
        for attachment in left { attachment.reader.detach() }
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
        state = .closed
        detachAll()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        state = .closed
        detachAll()
        self.context = nil
    }
}

/// What holds of every WebSocket of a server.
struct SocketLimits: Sendable {
    /// Most bytes of a client's message.
    var messageBytes: Int
    /// Between the server's pings; who has not answered one when the next is due is gone. `nil` = no pings.
    var pingInterval: TimeAmount?
    /// How long a client may take to agree to the end.
    var closingTimeout: TimeAmount
}

extension Channel {
    /// Calls `body` with this connection's WebSocket, on the event loop; not at all when it is closed.
    func withSocket(_ body: @escaping @Sendable (SocketHandler) -> Void) {
        eventLoop.execute {
            if let socket = try? self.pipeline.syncOperations.handler(type: SocketHandler.self) { body(socket) }
        }
    }
}
