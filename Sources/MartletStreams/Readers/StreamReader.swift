internal import NIOCore

/// Shows one log to one connection, in one wire format, as it grows.
///
/// Pinned to the connection's event loop. When it is woken it takes everything that is new as one buffer and writes
/// that with one flush. While the connection takes no more it stands still and costs nothing but its cursor. Nothing is
/// created per token: no task, no continuation, no queue.
///
/// `@unchecked Sendable`: the variables are touched on `loop.eventLoop` only, which every method asserts. Other threads
/// hold references, compare them and hand them to `loop`.
package final class StreamReader: @unchecked Sendable {
    /// How a reader ended.
    package enum End: Sendable {
        /// The last event was written: the terminal one, or that the generation goes on elsewhere.
        case complete
        /// The connection went away first.
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
    /// The first event that the client does not want yet; `nil` = it wants all.
    private var untilEvent: Int?
    private var isPumping = false
    /// Whether the log will wake this reader, or has done so and the wake-up is on its way.
    private var isArmed = false

    /// - Parameters:
    ///   - position: where to begin.
    ///   - untilEvent: which event is not to be written before `extendCredit` says so.
    ///   - ended: called once, on the event loop, when nothing more will be written.
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

    /// Begins to write to `sink`. Thread: the event loop's.
    package func attach(to sink: any StreamSink) {
        loop.eventLoop.assertInEventLoop()
        guard case .fresh = state else { return }
        state = .open(sink)
        encodedStream.addReader()
        loop.add(self)
        pump()
    }

    /// Stops: the connection has gone. Thread: the event loop's.
    package func detach() {
        loop.eventLoop.assertInEventLoop()
        if case .closed = state { return }
        encodedStream.log.disarm(self)
        close(.detached)
    }

    /// The client takes all events before number `event`, if it did not take more already. Thread: the event loop's.
    package func extendCredit(until event: Int) {
        guard let untilEvent, untilEvent < event else { return }
        self.untilEvent = event
        pump()
    }

    /// How many entries may be read: each has at most one number.
    private var remainingCredit: Int { untilEvent.map { max(0, $0 - position.cursor.number) } ?? .max }

    /// The log has grown. Thread: the event loop's.
    func wake() {
        isArmed = false
        pump()
    }

    /// Writes a ping that is no part of the log, unless the client counts bytes. Thread: the event loop's.
    func sendUnloggedPing() {
        loop.eventLoop.assertInEventLoop()
        guard case .open(let sink) = state, !encodedStream.countsBytes, sink.isWritable else { return }
        var bytes: [UInt8] = []
        encodedStream.view.encode(.ping, number: position.cursor.number, into: &bytes)
        if !bytes.isEmpty { sink.write(bytes) }
    }

    /// Writes what is new, if the connection takes it. Thread: the event loop's.
    ///
    /// To be called when the connection takes more again.
    package func pump() {
        loop.eventLoop.assertInEventLoop()
        // A write can change the sink's writability and so call back here.
        guard case .open(let sink) = state, !isPumping, remainingCredit > 0, sink.isWritable else { return }
        isPumping = true
        let begin = NIODeadline.now()
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
            encodedStream.recordWrite(.nanoseconds((NIODeadline.now() - begin).nanoseconds), byteCount: count)
        }
        isPumping = false
        // The write may have found that the connection is gone.
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

    /// Puts what is new into the loop's buffer, but for what an earlier process has told this reader.
    private func readNext() -> GenerationLog.Rest {
        while true {
            if let awaited = position.awaited, let found = encodedStream.position(behind: awaited) { position = found }
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
            // It came out shorter than before; the end must be told all the same.
            case .ended, .handedOver: position = encodedStream.positionOfNewest()
            }
        }
    }

    /// Gives the whole end to a client that counts more bytes than come before it: an earlier process told it more.
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

    /// Puts the words for a reader in the place of the event that says the same to nobody.
    private func writeHandover() {
        // Then there is no such event.
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
