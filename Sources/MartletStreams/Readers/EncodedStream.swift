internal import Synchronization

/// A log in one format: its bytes, for all who read it so.
///
/// What is new is encoded once, however many wait for it. Where in the bytes an event lies is remembered here and
/// there, so that reading can begin anywhere without encoding all that comes before.
///
/// Thread: any. Lock order: this one's, then the log's.
package final class EncodedStream: Sendable {
    package let view: any StreamView
    let log: GenerationLog
    /// Whether its readers know their place by counting bytes. Then nothing may come that is no part of the log.
    let countsBytes: Bool
    private let state = Mutex(State())

    /// A place in the log and how many bytes come before it.
    fileprivate struct Checkpoint {
        var cursor = LogCursor()
        var offset = 0
    }
    /// Some consecutive events, encoded.
    fileprivate struct Segment {
        var start: LogCursor
        var end: LogCursor
        var bytes: [UInt8]
    }
    fileprivate struct State {
        /// The beginning, and places at least `checkpointSpacing` bytes apart.
        var checkpoints = [Checkpoint()]
        /// Up to where bytes have been counted.
        var highWaterMark = Checkpoint()
        /// The newest events, without a gap up to the frontier. Kept only while there are several readers.
        var segments: [Segment] = []
        var segmentBytes = 0
        var readerCount = 0
        var encodedCount = 0
        var delivery = (time: Duration.zero, byteCount: 0)
        /// For counting bytes that nobody reads.
        var batch = LogBatch()
        var bytes: [UInt8] = []
    }

    /// Most entries that are encoded in one go, so that a long replay does not keep other readers waiting.
    private static let batchSize = 512
    fileprivate static let checkpointSpacing = 16_384
    /// How much of the newest is kept for readers who come a little later than others.
    fileprivate static let segmentLimit = 65_536

    package init(of log: GenerationLog, as view: any StreamView, countsBytes: Bool = false) {
        self.log = log
        self.view = view
        self.countsBytes = countsBytes
    }

    /// How many events were encoded, each as often as it was.
    package var encodedCount: Int { state.withLock { $0.encodedCount } }

    // MARK: Reading

    /// What showing it to readers took, of all together, and how many bytes they got.
    var delivery: (time: Duration, byteCount: Int) { state.withLock { $0.delivery } }

    /// A reader has shown something.
    func recordWrite(_ time: Duration, byteCount: Int) {
        state.withLock { state in
            state.delivery.time += time
            state.delivery.byteCount += byteCount
        }
    }

    func addReader() { state.withLock { $0.readerCount += 1 } }

    func removeReader() {
        state.withLock { state in
            state.readerCount -= 1
            if state.readerCount < 2 { state.dropSegments() }
        }
    }

    /// Puts the bytes of some entries from the cursor on into `bytes`, and moves the cursor behind them.
    ///
    /// When that reaches the end of a log that goes on, `reader` is armed: it is woken once when more is there.
    /// - Parameter limit: most entries.
    func read(
        from cursor: inout LogCursor, limit: Int = .max, batch: inout LogBatch, into bytes: inout [UInt8],
        arming reader: StreamReader?
    ) -> GenerationLog.Rest {
        var limit = min(Self.batchSize, limit)
        let rest = state.withLock { state -> GenerationLog.Rest? in
            if let segment = state.segment(at: cursor), segment.end.position - cursor.position <= limit {
                bytes = segment.bytes
                cursor = segment.end
                return log.rest(after: cursor, arming: reader)
            }
            guard cursor == state.highWaterMark.cursor else {
                // One that is beyond the frontier, as nobody has come so far, reads for itself.
                if cursor.position < state.highWaterMark.cursor.position {
                    limit = min(limit, state.boundary(behind: cursor) - cursor.position)
                }
                return nil
            }
            let start = cursor
            let rest = log.copy(from: &cursor, limit: limit, into: &batch, arming: reader)
            encode(batch, into: &bytes)
            state.advance(from: start, to: cursor, bytes)
            return rest
        }
        if let rest { return rest }
        let old = log.copy(from: &cursor, limit: limit, into: &batch, arming: reader)
        encode(batch, into: &bytes)
        state.withLock { $0.encodedCount += batch.records.count }
        return old
    }

    private func encode(_ batch: LogBatch, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        batch.forEach { view.encode($0, number: $1, into: &bytes) }
    }

    // MARK: Places

    /// How many bytes there are.
    ///
    /// - Complexity: O(events since the last time).
    package func byteCount() -> Int {
        count(upTo: .max)
    }

    /// Where byte `offset` is. There need not be so many yet.
    package func position(ofByte offset: Int) -> StreamPosition {
        _ = count(upTo: offset)
        return state.withLock { state in
            // The last mark that is not behind the byte.
            var low = 0
            var high = state.checkpoints.count
            while low < high {
                let middle = (low + high) / 2
                if state.checkpoints[middle].offset <= offset { low = middle + 1 } else { high = middle }
            }
            let checkpoint = state.checkpoints[low - 1]
            return StreamPosition(cursor: checkpoint.cursor, skippedBytes: offset - checkpoint.offset)
        }
    }

    /// Right behind event `number`, or `nil` when there is no such event.
    package func position(behind number: Int) -> StreamPosition? {
        log.cursor(behind: number).map { StreamPosition(cursor: $0) }
    }

    /// Behind the first `count` of an event's parts, as empty lines divide them; `nil` when it has not so many.
    package func position(behind count: Int, partsOf number: Int) -> StreamPosition? {
        guard count > 0, let start = log.cursor(before: number), let end = log.cursor(behind: number) else {
            return nil
        }
        var cursor = start
        var batch = LogBatch()
        var bytes: [UInt8] = []
        _ = log.copy(from: &cursor, limit: end.position - start.position, into: &batch)
        encode(batch, into: &bytes)
        // Pings may come before the event.
        var skipped = 0
        var pings: [UInt8] = []
        view.encode(.ping, number: number, into: &pings)
        skipped += pings.count * (end.pings - start.pings)
        var found = 0
        while found < count, skipped < bytes.count {
            guard let end = ServerSentEvents.endOfPart(in: bytes, from: skipped) else { return nil }
            skipped = end
            found += 1
        }
        return found == count ? StreamPosition(cursor: start, skippedBytes: skipped) : nil
    }

    /// Behind what an identifier names; `nil` when that is not there.
    package func position(behind identifier: EventIdentifier) -> StreamPosition? {
        guard let parts = identifier.parts else { return position(behind: identifier.number) }
        return position(behind: parts, partsOf: identifier.number)
    }

    /// At the end of what is there, as long as an event that will come again is not.
    package func position(awaiting identifier: EventIdentifier) -> StreamPosition {
        var position = position(behind: log.extent.nextNumber - 1) ?? StreamPosition()
        position.awaited = identifier
        return position
    }

    /// Right before the newest event.
    func positionOfNewest() -> StreamPosition {
        StreamPosition(cursor: log.cursor(before: log.extent.nextNumber - 1) ?? LogCursor())
    }

    /// Moves the frontier on until `offset` bytes are before it or the log has no more.
    private func count(upTo offset: Int) -> Int {
        while true {
            let result = state.withLock { state -> Int? in
                guard state.highWaterMark.offset < offset else { return state.highWaterMark.offset }
                let start = state.highWaterMark.cursor
                var cursor = start
                _ = log.copy(from: &cursor, limit: Self.batchSize, into: &state.batch)
                guard cursor != start else { return state.highWaterMark.offset }
                encode(state.batch, into: &state.bytes)
                state.advance(from: start, to: cursor, state.bytes)
                return nil
            }
            if let result { return result }
        }
    }
}

extension EncodedStream.State {
    fileprivate func segment(at cursor: LogCursor) -> EncodedStream.Segment? {
        segments.last { $0.start == cursor }
    }

    /// Where a reader that is at the cursor, before the frontier, stops so that it can go on with the others.
    fileprivate func boundary(behind cursor: LogCursor) -> Int {
        guard let first = segments.first, first.start.position <= cursor.position else {
            return segments.first?.start.position ?? highWaterMark.cursor.position
        }
        return segments.last { $0.start.position <= cursor.position }?.end.position ?? highWaterMark.cursor.position
    }

    fileprivate mutating func advance(from start: LogCursor, to end: LogCursor, _ bytes: [UInt8]) {
        guard start != end else { return }
        encodedCount += end.position - start.position
        highWaterMark.cursor = end
        highWaterMark.offset += bytes.count
        if highWaterMark.offset - checkpoints[checkpoints.count - 1].offset >= EncodedStream.checkpointSpacing {
            checkpoints.append(highWaterMark)
        }
        guard readerCount > 1 else { return }
        segments.append(EncodedStream.Segment(start: start, end: end, bytes: bytes))
        segmentBytes += bytes.count
        var dropped = 0
        while segmentBytes > EncodedStream.segmentLimit, dropped < segments.count - 1 {
            segmentBytes -= segments[dropped].bytes.count
            dropped += 1
        }
        segments.removeFirst(dropped)
    }

    fileprivate mutating func dropSegments() {
        segments = []
        segmentBytes = 0
    }
}

/// A place in a stream.
package struct StreamPosition: Sendable, Equatable {
    package var cursor = LogCursor()
    /// How many bytes behind the cursor are left out, of those that are still to come too.
    package var skippedBytes = 0
    /// The place is behind this event, which an earlier process has told and this one will tell again.
    package var awaited: EventIdentifier?

    /// The beginning.
    package init() {}

    init(cursor: LogCursor, skippedBytes: Int = 0) {
        self.cursor = cursor
        self.skippedBytes = skippedBytes
    }
}
