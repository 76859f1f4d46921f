import MartletStreams
import NIOCore

/// A stream of bytes from the edge to a client with a send window, seen from both ends: the body of a response, or one
/// attachment of a socket.
///
/// The edge's end is used on its event loop. The client receives bytes later and in pieces. While more bytes than the
/// window are on their way, the edge waits.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
class SimulatedChannel: StreamSink, @unchecked Sendable {
    /// The event loop that serves the channel.
    final let eventLoop: SimulatedEventLoop
    /// The number of bytes on their way from which on the edge waits.
    private let window: Int
    /// Bytes on their way.
    private var inFlight: [UInt8] = []
    /// The reader that writes into the channel.
    private var reader: StreamReader?
    /// The edge has sent everything.
    final private(set) var isEnded = false
    /// The edge's end is closed, or its process is gone.
    final private(set) var isClosed = false

    /// - Parameter window: the number of bytes on their way from which on the edge has to wait.
    init(on eventLoop: SimulatedEventLoop, window: Int) {
        self.eventLoop = eventLoop
        self.window = window
    }

    // MARK: The edge's end, on its event loop

    final var isWritable: Bool { !isClosed && inFlight.count < window }

    final func write(_ bytes: [UInt8]) { if !isClosed { inFlight += bytes } }

    final func readerEnded() {
        reader = nil
        isEnded = true
    }

    /// Writes a reader's log into the channel.
    final func attach(_ reader: StreamReader) {
        guard !isClosed else { return reader.detach() }
        self.reader = reader
        reader.attach(to: self)
    }

    /// The edge has nothing more to send, without a reader.
    final func endWithoutReader() { isEnded = true }

    /// Closes the edge's end, on the event loop. Later calls have no effect.
    /// - Returns: whether the channel was open.
    @discardableResult
    final func closeReader() -> Bool {
        eventLoop.preconditionInEventLoop()
        guard !isClosed else { return false }
        isClosed = true
        let reader = reader
        self.reader = nil
        reader?.detach()
        return true
    }

    /// The process of the edge is gone. Bytes on their way may still arrive.
    func lose() {
        isClosed = true
        reader = nil
    }

    /// Lets the reader send events up to a number, later on the event loop.
    final func extendCredit(until event: Int) {
        eventLoop.execute { [self] in reader?.extendCredit(until: event) }
    }

    // MARK: The client's end

    /// The number of bytes that the client can receive now.
    final var availableCount: Int { inFlight.count }

    /// Removes bytes from the way, and lets the edge write more.
    /// - Parameter count: from 0 to `availableCount`.
    final func receive(_ count: Int) -> [UInt8] {
        let bytes = Array(inFlight[..<count])
        let wasWritable = isWritable
        inFlight.removeFirst(count)
        if !wasWritable, isWritable { eventLoop.execute { [self] in reader?.pump() } }
        return bytes
    }

    /// The client receives nothing more.
    final func dropBytes() { inFlight = [] }
}
