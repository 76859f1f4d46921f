internal import NIOCore

/// Writes one log to one connection, in one wire format, while the log grows.
///
/// A reader belongs to the event loop of its connection. When it is woken, it writes all new events as one buffer with
/// one flush. While the connection accepts no more bytes, the reader waits and costs nothing but its cursor. Nothing is
/// created for a token: no task, no continuation, no queue.
///
/// `@unchecked Sendable`: the variables are used on `loop.eventLoop` only, which every method asserts. Other threads
/// only hold references, compare them and pass them to `loop`.
package final class StreamReader: @unchecked Sendable {
    /// The reason for a reader's end.
    package enum End: Sendable {
        /// The last event was written: the terminal event, or the event that another process continues the generation.
        case complete
        /// The connection closed first.
        case detached
    }

    let loop: ReaderLoop
    private let encodedStream: EncodedStream
    private let ended: @Sendable (End) -> Void

    private enum State {
        case fresh
        case open(any StreamSink)
        case closed
    }
    private var state = State.fresh
    private var position: StreamPosition
    /// The number of the first event for which the client has granted no credit; `nil` = no limit.
    private var untilEvent: Int?
    private var isPumping = false
    /// Whether the log will wake this reader, or has done so and the wake-up is on its way.
    private var isArmed = false

    /// - Parameters:
    ///   - position: the first position to write.
    ///   - untilEvent: the first event that is not written before `extendCredit`; `nil` = no limit.
    ///   - ended: called once, on the event loop, after the last write.
    package init(
        _ encodedStream: EncodedStream, from position: StreamPosition = StreamPosition(), untilEvent: Int? = nil,
        loop: ReaderLoop, ended: @escaping @Sendable (End) -> Void
    ) {
        self.encodedStream = encodedStream
        self.position = position
        self.untilEvent = untilEvent
        self.loop = loop
        self.ended = ended
    }

    /// Begins to write to `sink`. Later calls do nothing. Thread: the event loop's.
    package func attach(to sink: any StreamSink) {
        loop.eventLoop.assertInEventLoop()
        guard case .fresh = state else { return }
        state = .open(sink)
        encodedStream.addReader()
        loop.add(self)
        pump()
    }

    /// Stops, because the connection has closed. Thread: the event loop's.
    package func detach() {
        loop.eventLoop.assertInEventLoop()
        if case .closed = state { return }
        encodedStream.log.disarm(self)
        close(.detached)
    }

    /// Grants credit for all events before number `event`. A smaller number than before has no effect. Thread: the
    /// event loop's.
    package func extendCredit(until event: Int) {
        guard let untilEvent, untilEvent < event else { return }
        self.untilEvent = event
        pump()
    }

    /// The number of entries that may be read: each is at most one event.
    ///
    /// Skipped numbers cost no credit: a client cannot know that the terminal event has a number far behind the last one.
    private var remainingCredit: Int { untilEvent.map { max(0, $0 - position.cursor.eventCount) } ?? .max }

    /// The log has grown. Thread: the event loop's.
    func wake() {
        isArmed = false
        pump()
    }

    /// Writes a ping that is not in the log, unless the reader resumes by byte offset. Thread: the event loop's.
    func sendUnloggedPing() {
        loop.eventLoop.assertInEventLoop()
        guard case .open(let sink) = state, !encodedStream.countsBytes, sink.isWritable else { return }
        var bytes: [UInt8] = []
        encodedStream.view.encode(.ping, number: position.cursor.number, into: &bytes)
        if !bytes.isEmpty { sink.write(bytes) }
    }

    /// Writes all new events if the connection is writable. Thread: the event loop's.
    ///
    /// To be called when the connection becomes writable again.
    package func pump() {
        loop.eventLoop.assertInEventLoop()
        // A write can change the sink's writability and so call back here.
        guard case .open(let sink) = state, !isPumping, remainingCredit > 0, sink.isWritable else { return }
        isPumping = true
        let begin = loop.eventLoop.now
        let rest = readNext()
        switch rest {
        case .handedOver: writeHandover()
        case .ended: restoreWholeTerminalEvent()
        case .more, .nothingYet: break
        }
        let skipped = min(position.skippedBytes, loop.bytes.count)
        position.skippedBytes -= skipped
        let count = loop.bytes.count - skipped
        if count > 0 {
            sink.write(skipped == 0 ? loop.bytes : Array(loop.bytes[skipped...]))
            encodedStream.recordWrite(.nanoseconds((loop.eventLoop.now - begin).nanoseconds), byteCount: count)
        }
        isPumping = false
        // The write may have found that the connection is closed.
        guard case .open = state else { return }
        switch rest {
        case .ended, .handedOver:
            close(.complete)
        case .more:
            loop.enqueue(self)
            loop.scheduleIfNeeded()
        case .nothingYet:
            isArmed = true
        }
    }

    /// Encodes new events into the loop's buffer, without the events that this reader received of an earlier process.
    private func readNext() -> GenerationLog.Rest {
        while true {
            if let awaited = position.awaited, let found = encodedStream.position(behind: awaited) {
                // The terminal event may have the awaited number, which was another event before.
                position = encodedStream.isAtEnd(found) ? encodedStream.positionOfNewest() : found
            }
            let rest = encodedStream.read(
                from: &position.cursor, limit: position.awaited == nil ? remainingCredit : .max, batch: &loop.batch,
                into: &loop.bytes, arming: isArmed ? nil : self)
            if case .nothingYet = rest { isArmed = true }
            guard let awaited = position.awaited else { return rest }
            if loop.bytes != ServerSentEvents.ping { loop.bytes.removeAll(keepingCapacity: true) }
            switch rest {
            case .nothingYet where encodedStream.position(behind: awaited) == nil: return rest
            case .nothingYet, .more: continue
            case .handedOver where encodedStream.log.isBehind: return rest
            // The log ended before the awaited event. The reader receives the terminal event all the same.
            case .ended, .handedOver: position = encodedStream.positionOfNewest()
            }
        }
    }

    /// Writes the whole terminal event for a client whose byte offset lies behind its beginning: the client received
    /// more bytes of an earlier process than this log has.
    private func restoreWholeTerminalEvent() {
        guard encodedStream.countsBytes, position.skippedBytes > 0 else { return }
        let left = loop.bytes.count - position.skippedBytes
        var cursor = encodedStream.positionOfNewest().cursor
        var end: [UInt8] = []
        _ = encodedStream.read(from: &cursor, batch: &loop.batch, into: &end, arming: nil)
        guard left < 0 || encodedStream.log.earlyTerminalCursor != nil && (1..<end.count).contains(left) else { return }
        position.skippedBytes = 0
        loop.bytes = end
    }

    /// Replaces the encoding of the event `handedOver`, which clients ignore, by the encoding that tells this reader of
    /// the handover. Both have the same length.
    private func writeHandover() {
        // The log has no such event then.
        guard !encodedStream.log.isBehind else { return }
        var handover: [UInt8] = []
        encodedStream.view.encodeHandover(number: position.cursor.number - 1, into: &handover)
        guard handover.count <= loop.bytes.count else { return }
        loop.bytes.replaceSubrange((loop.bytes.count - handover.count)..., with: handover)
    }

    private func close(_ end: End) {
        let last = state
        state = .closed
        if case .open = last {
            loop.remove(self)
            encodedStream.removeReader()
        }
        ended(end)
        if case .open(let sink) = last, case .complete = end { sink.readerEnded() }
    }
}
