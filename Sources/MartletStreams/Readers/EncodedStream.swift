internal import Synchronization

/// The bytes of a log in one format, for all readers of that format.
///
/// New events are encoded once, however many readers wait for them. Checkpoints map byte offsets to events, so that
/// reading can begin anywhere without encoding everything before.
///
/// Thread: any. Lock order: the stream's lock, then the log's.
package final class EncodedStream: Sendable {
    package let view: any StreamView
    /// The view as a fold; nil if it has no state.
    private let folding: (any FoldingView)?
    let log: GenerationLog
    /// Whether readers resume by byte offset. Such readers receive no bytes that are not in the log.
    let countsBytes: Bool
    private let state = Mutex(State())

    /// A position in the log, the number of bytes before it, and the state of the view's fold.
    fileprivate struct Checkpoint {
        var cursor = LogCursor()
        var offset = 0
        var fold = ViewState()
    }
    /// Consecutive events in encoded form.
    fileprivate struct Segment {
        var start: LogCursor
        var end: LogCursor
        var bytes: [UInt8]
    }
    fileprivate struct State {
        /// The beginning, and positions at least `checkpointSpacing` bytes apart.
        var checkpoints = [Checkpoint()]
        /// The position up to which events have been encoded once and bytes have been counted.
        var highWaterMark = Checkpoint()
        /// The newest encoded events, without a gap up to the high-water mark. Retained only for several readers.
        var segments: [Segment] = []
        var segmentBytes = 0
        var readerCount = 0
        var encodedCount = 0
        var delivery = (time: Duration.zero, byteCount: 0)
        /// Buffers for counting bytes that have no reader.
        var batch = LogBatch()
        var bytes: [UInt8] = []
        /// The last position behind which a reader encoded for itself, so that its next read need not fold again.
        var recent = Checkpoint()
    }

    /// The maximum number of entries that are encoded at once, so that a long replay does not delay other readers.
    private static let batchSize = 512
    fileprivate static let checkpointSpacing = 16_384
    /// The bytes of newest events that are retained for readers that are a little behind others.
    fileprivate static let segmentLimit = 65_536

    /// - Parameter countsBytes: whether readers resume by byte offset.
    package init(of log: GenerationLog, as view: any StreamView, countsBytes: Bool = false) {
        self.log = log
        self.view = view
        folding = view.folding
        self.countsBytes = countsBytes
    }

    /// The number of encodings so far. An event that was encoded twice counts twice.
    package var encodedCount: Int { state.withLock { $0.encodedCount } }

    // MARK: Reading

    /// The time spent on encoding and writing for readers, and the bytes written, of all readers together.
    var delivery: (time: Duration, byteCount: Int) { state.withLock { $0.delivery } }

    /// Adds one write of a reader to `delivery`.
    func recordWrite(_ time: Duration, byteCount: Int) {
        state.withLock { state in
            state.delivery.time += time
            state.delivery.byteCount += byteCount
        }
    }

    /// Counts a reader. With two or more, encoded bytes are shared.
    func addReader() { state.withLock { $0.readerCount += 1 } }

    /// Counts a reader that has stopped.
    func removeReader() {
        state.withLock { state in
            state.readerCount -= 1
            if state.readerCount < 2 { state.dropSegments() }
        }
    }

    /// Encodes entries from the cursor on into `bytes`, and moves the cursor behind them. `bytes` is replaced.
    ///
    /// When the cursor reaches the last visible event, `reader` is armed: the next visible event wakes it once.
    /// - Parameter limit: the maximum number of entries.
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
            if folding != nil { advance(&state, upTo: cursor) }
            guard cursor == state.highWaterMark.cursor else {
                // A reader beyond the high-water mark, such as one that resumed at the newest event, encodes for
                // itself.
                if cursor.position < state.highWaterMark.cursor.position {
                    limit = min(limit, state.boundary(behind: cursor) - cursor.position)
                }
                return nil
            }
            let start = cursor
            var fold = state.highWaterMark.fold
            let rest = log.copy(from: &cursor, limit: limit, into: &batch, arming: reader)
            encode(batch, &fold, into: &bytes)
            state.advance(from: start, to: cursor, bytes, fold)
            return rest
        }
        if let rest { return rest }
        var fold = state(at: cursor)
        let old = log.copy(from: &cursor, limit: limit, into: &batch, arming: reader)
        encode(batch, &fold, into: &bytes)
        state.withLock { state in
            state.encodedCount += batch.records.count
            if folding != nil { state.recent = Checkpoint(cursor: cursor, fold: fold) }
        }
        return old
    }

    private func encode(_ batch: LogBatch, _ fold: inout ViewState, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        guard let folding else { return batch.forEach { view.encode($0, number: $1, into: &bytes) } }
        let history = LogHistory(of: log)
        batch.forEach { folding.encode($0, number: $1, state: &fold, history: history, into: &bytes) }
    }

    /// Encodes the events between the high-water mark and a cursor behind it, so that one fold serves all readers.
    private func advance(_ state: inout State, upTo cursor: LogCursor) {
        while state.highWaterMark.cursor.position < cursor.position {
            let start = state.highWaterMark.cursor
            let limit = min(Self.batchSize, cursor.position - start.position)
            guard count(&state, limit: limit) else { return }
        }
    }

    /// Encodes up to `limit` entries behind the high-water mark and advances it.
    /// - Returns: whether there was an entry.
    private func count(_ state: inout State, limit: Int) -> Bool {
        let start = state.highWaterMark.cursor
        var (cursor, fold) = (start, state.highWaterMark.fold)
        _ = log.copy(from: &cursor, limit: limit, into: &state.batch)
        guard cursor != start else { return false }
        encode(state.batch, &fold, into: &state.bytes)
        state.advance(from: start, to: cursor, state.bytes, fold)
        return true
    }

    /// The state of the fold at a cursor: that of the nearest position before it, advanced by the events between.
    private func state(at cursor: LogCursor) -> ViewState {
        guard folding != nil else { return ViewState() }
        var near = state.withLock { $0.checkpoint(before: cursor) }
        var batch = LogBatch()
        var bytes: [UInt8] = []
        while near.cursor.position < cursor.position {
            let start = near.cursor
            let limit = min(Self.batchSize, cursor.position - start.position)
            _ = log.copy(from: &near.cursor, limit: limit, into: &batch)
            guard near.cursor != start else { break }
            encode(batch, &near.fold, into: &bytes)
        }
        return near.fold
    }

    // MARK: Positions

    /// The number of bytes of all visible events.
    ///
    /// - Complexity: O(events since the last call).
    package func byteCount() -> Int {
        count(upTo: .max)
    }

    /// The position of byte `offset`, which may be beyond the current end.
    package func position(ofByte offset: Int) -> StreamPosition {
        _ = count(upTo: offset)
        return state.withLock { state in
            // The last checkpoint that is not behind the byte.
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

    /// The position behind event `number`; `nil` when there is no such event.
    package func position(behind number: Int) -> StreamPosition? {
        log.cursor(behind: number).map { StreamPosition(cursor: $0) }
    }

    /// The position behind the first `count` parts of an event, which empty lines separate; `nil` when the event has
    /// fewer.
    package func position(behind count: Int, partsOf number: Int) -> StreamPosition? {
        guard count > 0, let start = log.cursor(before: number), let end = log.cursor(behind: number) else {
            return nil
        }
        var cursor = start
        var batch = LogBatch()
        var bytes: [UInt8] = []
        var fold = state(at: start)
        // Pings may come before the event.
        _ = log.copy(from: &cursor, limit: end.pings - start.pings, into: &batch)
        encode(batch, &fold, into: &bytes)
        var skipped = bytes.count
        _ = log.copy(from: &cursor, limit: end.position - cursor.position, into: &batch)
        var event: [UInt8] = []
        encode(batch, &fold, into: &event)
        bytes += event
        var found = 0
        while found < count, skipped < bytes.count {
            guard let end = ServerSentEvents.endOfPart(in: bytes, from: skipped) else { return nil }
            skipped = end
            found += 1
        }
        return found == count ? StreamPosition(cursor: start, skippedBytes: skipped) : nil
    }

    /// The position behind the first `count` parts that are no comments; `nil` when there are fewer.
    ///
    /// For views that number their parts (`ViewState.partCount`).
    package func position(behindParts count: Int) -> StreamPosition? {
        _ = self.count(upTo: .max)
        let start = state.withLock { state in
            state.checkpoints.last { $0.fold.partCount <= count } ?? Checkpoint()
        }
        var (cursor, fold, found, skipped) = (start.cursor, start.fold, start.fold.partCount, 0)
        guard found < count else { return StreamPosition(cursor: cursor) }
        var batch = LogBatch()
        var bytes: [UInt8] = []
        while true {
            let before = cursor
            _ = log.copy(from: &cursor, limit: Self.batchSize, into: &batch)
            guard cursor != before else { return nil }
            encode(batch, &fold, into: &bytes)
            var begin = 0
            while let end = ServerSentEvents.endOfPart(in: bytes, from: begin) {
                if bytes[begin] != UInt8(ascii: ":") { found += 1 }
                begin = end
                if found == count { return StreamPosition(cursor: start.cursor, skippedBytes: skipped + end) }
            }
            skipped += bytes.count
        }
    }

    /// The position behind the event or part that an identifier names; `nil` when it does not exist yet.
    package func position(behind identifier: EventIdentifier) -> StreamPosition? {
        guard let parts = identifier.parts else { return position(behind: identifier.number) }
        return position(behind: parts, partsOf: identifier.number)
    }

    /// The current end, from which a reader waits for an event of an earlier process that the log still lacks.
    package func position(awaiting identifier: EventIdentifier) -> StreamPosition {
        var position = position(behind: log.extent.nextNumber - 1) ?? StreamPosition()
        position.awaited = identifier
        return position
    }

    /// Whether the log has ended and no event is behind a position.
    func isAtEnd(_ position: StreamPosition) -> Bool {
        let extent = log.extent
        return extent.isEnded && position.cursor.position == extent.count
    }

    /// The position before the newest event.
    func positionOfNewest() -> StreamPosition {
        StreamPosition(cursor: log.cursor(before: log.extent.nextNumber - 1) ?? LogCursor())
    }

    /// Advances the high-water mark until `offset` bytes are before it or the log has no more events.
    /// - Returns: the number of bytes before the high-water mark.
    private func count(upTo offset: Int) -> Int {
        while true {
            let result = state.withLock { state -> Int? in
                guard state.highWaterMark.offset < offset, count(&state, limit: Self.batchSize) else {
                    return state.highWaterMark.offset
                }
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

    /// The position at which a reader behind the others stops, so that it can continue with shared segments.
    fileprivate func boundary(behind cursor: LogCursor) -> Int {
        guard let first = segments.first, first.start.position <= cursor.position else {
            return segments.first?.start.position ?? highWaterMark.cursor.position
        }
        return segments.last { $0.start.position <= cursor.position }?.end.position ?? highWaterMark.cursor.position
    }

    /// The last known position that is not behind `cursor`, with its state.
    fileprivate func checkpoint(before cursor: LogCursor) -> EncodedStream.Checkpoint {
        var low = 0
        var high = checkpoints.count
        while low < high {
            let middle = (low + high) / 2
            if checkpoints[middle].cursor.position <= cursor.position { low = middle + 1 } else { high = middle }
        }
        let near = checkpoints[low - 1]
        let isRecentNearer = (near.cursor.position...cursor.position).contains(recent.cursor.position)
        return isRecentNearer ? recent : near
    }

    fileprivate mutating func advance(
        from start: LogCursor, to end: LogCursor, _ bytes: [UInt8], _ fold: ViewState
    ) {
        guard start != end else { return }
        encodedCount += end.position - start.position
        highWaterMark.cursor = end
        highWaterMark.fold = fold
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

/// A position in a stream.
package struct StreamPosition: Sendable, Equatable {
    package var cursor = LogCursor()
    /// The number of bytes behind the cursor that the reader leaves out. Some of them may not exist yet.
    package var skippedBytes = 0
    /// The position is behind this event, which an earlier process has emitted and this process will emit again.
    package var awaited: EventIdentifier?

    /// The beginning of the stream.
    package init() {}

    init(cursor: LogCursor, skippedBytes: Int = 0) {
        self.cursor = cursor
        self.skippedBytes = skippedBytes
    }
}
