import MartletGenerations
import MartletStreams
import NIOCore

/// One request of a client with its response: a connection, seen from both ends.
///
/// The edge's end is used on its event loop. The client's end receives bytes later and in pieces, and either end may
/// close at any time.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedConnection: StreamSink, @unchecked Sendable {
    /// The part of a response before its bytes.
    enum Head {
        /// A stream follows. The id is nil for a plain generation.
        case stream(id: String?)
        case reply(Reply)
    }
    /// A response without a stream.
    enum Reply {
        case error(GenerationError)
        /// The whole output: the log's events.
        case whole(id: String?, [LogEvent])
        /// The generation is in this state, and continues or has ended.
        case state(id: String, GenerationStatus.State)
        case command(CommandReply)
        /// The result of a deletion; nil = the label has no generation.
        case deletion(GenerationRegistry.Deletion?)
        /// Ids and labels of the owner's generations.
        case list([(id: String, owner: Owner, label: String?)])
        /// The stream has ended and the client has all of it.
        case nothingLeft
        /// The server hands the generation over or cannot remove it; a later attempt can succeed.
        case unavailable
    }

    /// The event loop that serves the connection.
    let eventLoop: SimulatedEventLoop
    /// The number of bytes on their way from which on the edge waits.
    private let window: Int
    /// The part of the response that the client sees first.
    private(set) var head: Head?
    /// Bytes on their way.
    private var inFlight: [UInt8] = []
    /// The edge has sent everything.
    private(set) var isEnded = false
    /// The edge's end is closed, or its process is gone.
    private(set) var isClosed = false
    /// The reader that writes the response.
    private var reader: StreamReader?
    /// Called when the client disconnects.
    private var disconnectAction: (@Sendable () -> Void)?

    /// - Parameter window: the number of bytes on their way from which on the edge has to wait.
    init(on eventLoop: SimulatedEventLoop, window: Int) {
        self.eventLoop = eventLoop
        self.window = window
    }

    // MARK: The edge's end, on its event loop

    var isWritable: Bool { !isClosed && inFlight.count < window }

    func write(_ bytes: [UInt8]) { if !isClosed { inFlight += bytes } }

    func readerEnded() {
        reader = nil
        isEnded = true
    }

    /// Sends the head of a response.
    func send(_ head: Head) {
        guard !isClosed else { return }
        self.head = head
        if case .reply = head { isEnded = true }
    }

    /// Writes a reader's log as the body of the response.
    func attach(_ reader: StreamReader) {
        guard !isClosed else { return reader.detach() }
        self.reader = reader
        reader.attach(to: self)
    }

    /// Calls `action` when the connection closes before the response has ended; at once if it is closed.
    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        guard !isClosed else { return action() }
        disconnectAction = action
    }

    /// Closes the edge's end, on the event loop.
    func close() {
        eventLoop.preconditionInEventLoop()
        guard !isClosed else { return }
        isClosed = true
        let (reader, action) = (reader, disconnectAction)
        self.reader = nil
        disconnectAction = nil
        reader?.detach()
        if !isEnded { action?() }
    }

    /// The process of the edge is gone. Bytes on their way may still arrive.
    func lose() {
        isClosed = true
        reader = nil
        disconnectAction = nil
    }

    /// Whether nothing of the edge refers to the connection.
    var isIdle: Bool { isClosed || isEnded }

    // MARK: The client's end

    /// The number of bytes that the client can receive now.
    var availableCount: Int { inFlight.count }

    /// Removes bytes from the way, and lets the edge write more.
    func receive(_ count: Int) -> [UInt8] {
        let bytes = Array(inFlight[..<count])
        let wasWritable = isWritable
        inFlight.removeFirst(count)
        if !wasWritable, isWritable { eventLoop.execute { [self] in reader?.pump() } }
        return bytes
    }

    /// The client closes. The edge notices it later.
    func closeByClient() {
        inFlight = []
        eventLoop.execute { [self] in close() }
    }
}
