import MartletStreams
import NIOCore

/// One attachment of a realtime socket, seen from both ends.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SocketChannel: StreamSink, @unchecked Sendable {
    let eventLoop: SimulatedEventLoop
    private let window: Int
    private var inFlight: [UInt8] = []
    private var reader: StreamReader?
    private var isClosed = false
    /// The edge has sent everything.
    private(set) var isEnded = false
    /// The edge did not attach: the generation is missing, or the cursor is wrong.
    private(set) var isRefused = false
    private(set) var isMissing = false
    private(set) var isWrongCursor = false

    init(on eventLoop: SimulatedEventLoop, window: Int) {
        self.eventLoop = eventLoop
        self.window = window
    }

    // MARK: The edge's end

    var isWritable: Bool { !isClosed && inFlight.count < window }

    func write(_ bytes: [UInt8]) { if !isClosed { inFlight += bytes } }

    func readerEnded() {
        reader = nil
        isEnded = true
    }

    func attach(_ reader: StreamReader) {
        guard !isClosed else { return reader.detach() }
        self.reader = reader
        reader.attach(to: self)
    }

    /// The edge refuses the attachment.
    func refuse(isMissing: Bool, isWrongCursor: Bool) {
        (isRefused, self.isMissing, self.isWrongCursor) = (true, isMissing, isWrongCursor)
    }

    // MARK: The client's end

    var isEmpty: Bool { inFlight.isEmpty }

    func receiveAll() -> [UInt8] {
        let bytes = inFlight
        let wasWritable = isWritable
        inFlight = []
        if !wasWritable, !isClosed { eventLoop.execute { [self] in reader?.pump() } }
        return bytes
    }

    func extendCredit(until event: Int) {
        eventLoop.execute { [self] in reader?.extendCredit(until: event) }
    }

    func closeByClient() {
        eventLoop.execute { [self] in
            isClosed = true
            let reader = reader
            self.reader = nil
            reader?.detach()
        }
    }
}
