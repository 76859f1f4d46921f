package import NIOCore

/// Shows one log to one connection, in one wire format, as it grows.
///
/// Pinned to the connection's event loop. When it is woken it encodes everything that is new into one buffer and
/// writes that with one flush. While the connection takes no more it stands still and costs nothing but its cursor.
/// Nothing is created per token: no task, no continuation, no queue.
///
/// `@unchecked Sendable`: the variables are touched on `loop.eventLoop` only, which every method asserts. Other threads
/// hold references, compare them and hand them to `loop`.
package final class StreamReader: @unchecked Sendable {
    /// How a reader ended.
    package enum End: Sendable {
        /// The terminal event was written.
        case complete
        /// The connection went away first.
        case detached
    }

    /// Most events that are encoded in one go, so that a long replay does not keep other readers waiting.
    private static let batchSize = 512
    /// A comment, which no client shows.
    private static let ping = Array(":\n\n".utf8)

    let loop: ReaderLoop
    private let log: GenerationLog
    private let view: any StreamView
    private let pingInterval: TimeAmount?
    private let ended: @Sendable (End) -> Void

    private enum State {
        case fresh
        case open(any StreamSink)
        case closed
    }
    private var state = State.fresh
    private var cursor = LogCursor()
    private var isPumping = false
    /// Whether the log will wake this reader, or has done so and the wake-up is on its way.
    private var isArmed = false
    /// When a ping is due unless something is written before. `nil` = never.
    private(set) var pingDeadline: NIODeadline?

    /// - Parameters:
    ///   - pingInterval: the longest silence; `nil` = no pings.
    ///   - ended: called once, on the event loop, when nothing more will be written.
    package init(
        log: GenerationLog, view: any StreamView, pingInterval: TimeAmount?, loop: ReaderLoop,
        ended: @escaping @Sendable (End) -> Void
    ) {
        self.log = log
        self.view = view
        self.pingInterval = pingInterval
        self.loop = loop
        self.ended = ended
    }

    /// Begins to write to `sink`. Thread: the event loop's.
    package func attach(to sink: any StreamSink) {
        loop.eventLoop.assertInEventLoop()
        guard case .fresh = state else { return }
        state = .open(sink)
        restartPingInterval()
        loop.add(self)
        pump()
    }

    /// Stops: the connection has gone. Thread: the event loop's.
    package func detach() {
        loop.eventLoop.assertInEventLoop()
        if case .closed = state { return }
        log.disarm(self)
        close(.detached)
    }

    /// The log has grown. Thread: the event loop's.
    func wake() {
        isArmed = false
        pump()
    }

    /// Writes what is new, if the connection takes it. Thread: the event loop's.
    ///
    /// To be called when the connection takes more again.
    package func pump() {
        loop.eventLoop.assertInEventLoop()
        // A write can change the sink's writability and so call back here.
        guard case .open(let sink) = state, !isPumping, sink.isWritable else { return }
        isPumping = true
        let rest = log.copy(from: &cursor, limit: Self.batchSize, into: &loop.batch, arming: isArmed ? nil : self)
        if !loop.batch.isEmpty {
            loop.bytes.removeAll(keepingCapacity: true)
            loop.batch.forEach { view.encode($0, number: $1, into: &loop.bytes) }
            if !loop.bytes.isEmpty {
                restartPingInterval()
                sink.write(loop.bytes)
            }
        }
        isPumping = false
        switch rest {
        case .ended:
            close(.complete)
        case .more:
            loop.enqueue(self)
            loop.scheduleIfNeeded()
        case .nothingYet:
            isArmed = true
        }
    }

    /// Writes a comment line if it is due and the connection takes it.
    func ping(now: NIODeadline) {
        guard case .open(let sink) = state, let deadline = pingDeadline, deadline <= now else { return }
        restartPingInterval()
        if sink.isWritable { sink.write(Self.ping) }
    }

    private func restartPingInterval() {
        pingDeadline = pingInterval.map { loop.eventLoop.now + $0 }
    }

    private func close(_ end: End) {
        if case .open = state { loop.remove(self) }
        state = .closed
        ended(end)
    }
}
