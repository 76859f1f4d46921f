internal import MartletAPI

/// The rules of one WebSocket: its messages one at a time, its attachments in turn, pings, and the closing handshake.
///
///     open ──close frame of the client──────────────────▶ closing, and the connection closes
///      │  ──broken rule, shutdown: close frame sent─────▶ closing ──client's close frame or timeout──▶ closed
///      └──connection lost──────────────────────────────────────────────────────────────────────────▶ closed
///
/// The machine does no I/O and reads no clock: each method accepts one event and returns the handler's action.
///
/// - `Reader`: what writes the log of one attachment.
///
/// Thread: the channel's event loop. Only `SocketHandler` changes it.
struct SocketStateMachine<Reader>: ~Copyable {
    enum State: Equatable, CaseIterable {
        case open
        /// A close frame was sent. Only the client's close frame is awaited; messages are dropped.
        case closing
        case closed
    }

    /// The handler's reaction to a frame.
    enum FrameAction: Equatable {
        case none
        /// Pass the message to the session; call `finishMessage()` afterwards.
        case process([UInt8])
        /// Write a pong with this payload.
        case pong([UInt8])
        /// The client closes: write a close frame with this code and close the connection.
        case acceptClose(code: UInt16?)
        /// The client broke a rule: write a close frame and await the client's.
        case end(SocketCloseReason)
        /// The closing handshake is complete.
        case disconnect
    }

    /// The handler's reaction when a ping is due.
    enum PingAction: Equatable {
        /// The WebSocket is not open: schedule no more pings.
        case stop
        /// The client has sent nothing since the last ping: close the connection.
        case disconnect
        case ping
    }

    /// Messages that may wait for the session. More stay in the system's buffers.
    static var queueLimit: Int { 16 }

    private struct Attachment {
        var id: String
        var reader: Reader
    }

    private(set) var state = State.open
    private var assembler: MessageAssembler
    /// Messages that the session has not finished. The session processes the first one.
    private var queue: [[UInt8]] = []
    /// The channel asked for more input while none was to be read.
    private var wantsRead = false
    private var attachments: [Attachment] = []
    /// The index of the attachment that writes first when the client receives again, so that each gets its turn.
    private var firstWriter = 0
    /// The client has sent a frame since the last ping.
    private var hasReceived = true

    /// - Parameter messageLimit: the most bytes of a message.
    init(messageLimit: Int) { assembler = MessageAssembler(limit: messageLimit) }

    // MARK: Frames and messages

    mutating func receive(_ frame: MessageAssembler.Frame) -> FrameAction {
        hasReceived = true
        guard state == .open else {
            return frame.opcode == SocketFrame.Kind.close.rawValue ? .disconnect : .none
        }
        do throws(SocketCloseReason) {
            switch try assembler.append(frame) {
            case .none: return .none
            case .message(let text):
                queue.append(text)
                return queue.count == 1 ? .process(text) : .none
            case .ping(let payload): return .pong(payload)
            case .close(let code): return .acceptClose(code: code)
            }
        } catch {
            return .end(error)
        }
    }

    /// The session has finished the first message.
    /// - Returns: the next message to process.
    mutating func finishMessage() -> [UInt8]? {
        guard !queue.isEmpty else { return nil }
        queue.removeFirst()
        return queue.first
    }

    private func mayRead(isWritable: Bool) -> Bool {
        state != .open || queue.count < Self.queueLimit && isWritable
    }

    /// The channel asks for more input.
    /// - Parameter isWritable: whether the client receives. A client that does not receive is not read.
    /// - Returns: whether to read now. Otherwise `resumeReading` returns true later.
    mutating func read(isWritable: Bool) -> Bool {
        let mayRead = mayRead(isWritable: isWritable)
        if !mayRead { wantsRead = true }
        return mayRead
    }

    /// - Returns: whether a read that was deferred must be made now.
    mutating func resumeReading(isWritable: Bool) -> Bool {
        guard wantsRead, mayRead(isWritable: isWritable) else { return false }
        wantsRead = false
        return true
    }

    // MARK: Attachments

    var attachmentCount: Int { attachments.count }

    /// - Returns: the reader attached under `id`; nil if there is none.
    func reader(of id: String) -> Reader? { attachments.first { $0.id == id }?.reader }

    /// - Returns: false if the WebSocket is not open.
    mutating func attach(_ reader: Reader, to id: String) -> Bool {
        guard state == .open else { return false }
        attachments.append(Attachment(id: id, reader: reader))
        return true
    }

    /// - Returns: the reader that was removed; nil if there was none.
    mutating func removeReader(of id: String) -> Reader? {
        attachments.firstIndex { $0.id == id }.map { attachments.remove(at: $0).reader }
    }

    /// The client receives again.
    /// - Returns: every reader in the order in which they may write.
    func readersInTurn() -> [Reader] {
        attachments.indices.map { attachments[($0 + firstWriter) % attachments.count].reader }
    }

    /// `count` of the readers in turn have written: the next turn begins behind them.
    mutating func advanceTurn(by count: Int) {
        firstWriter = attachments.isEmpty ? 0 : (firstWriter + count) % attachments.count
    }

    // MARK: Life

    mutating func pingDue() -> PingAction {
        guard state == .open else { return .stop }
        // While the server does not read, it cannot know whether the client sends.
        guard hasReceived || wantsRead else { return .disconnect }
        hasReceived = false
        return .ping
    }

    /// A close frame is sent.
    /// - Returns: the readers to detach; nil if the WebSocket is not open, so that no second close frame is sent.
    mutating func end() -> [Reader]? {
        guard state == .open else { return nil }
        state = .closing
        return removeAll()
    }

    /// The connection is closed.
    /// - Returns: the readers to detach.
    mutating func close() -> [Reader] {
        state = .closed
        return removeAll()
    }

    private mutating func removeAll() -> [Reader] {
        // The session still processes the first message.
        queue.removeLast(max(0, queue.count - 1))
        defer { attachments = [] }
        return attachments.map(\.reader)
    }
}
