internal import MartletProtocol

/// The events of one log, compactly: 12 bytes for a token, plus its text in one buffer.
///
/// Text is at most `maximumTextBytes`; the event that would exceed it ends the log with an error instead.
struct LogStorage: Sendable {
    struct Record {
        enum Kind: UInt8 {
            /// `value` is the token's id.
            case token
            /// A further piece of the token before it; `value` means nothing.
            case piece
            /// As `token` and `piece`, but the text is part of the arguments of call number `call`.
            case argumentToken
            case argumentPiece
            /// The next of `details`; `value` means nothing.
            case detail
            /// A token or a piece, as the next of `details` says, which lacks only the text.
            case textDetail
            /// A ping; `value` means nothing.
            case ping
            /// No event: `value` numbers are left out.
            case leap
        }
        /// Where this event's text ends in the buffer. It begins where the event before it ends.
        var textEnd: UInt32
        var value: Int32
        var kind: Kind
        var channel: OutputChannel
        /// Of text, which of several choices it belongs to; of arguments, which call of the first choice.
        var number: UInt16
    }

    private(set) var records: [Record] = []
    private(set) var text: [UInt8] = []
    /// Events that are not only text, in order. They need not be small: there are few of them, unless probabilities are
    /// asked for.
    private(set) var details: [LogEvent] = []
    private(set) var isEnded = false
    /// How many tokens there are.
    private(set) var tokenCount = 0
    /// Where one comes to behind this many records, twice as many, and so on: a way to any event without counting from
    /// the first.
    private var checkpoints: [LogCursor] = []
    private static let checkpointSpacing = 256
    /// Behind the last record.
    private(set) var end = LogCursor()
    /// Before the place where numbers are left out, if there is one.
    private(set) var leap: LogCursor?
    /// What `details` takes, without the arrays' spare room.
    private var detailBytes = 0
    let maximumTextBytes: Int

    init(maximumTextBytes: Int = Int(UInt32.max)) {
        self.maximumTextBytes = min(maximumTextBytes, Int(UInt32.max))
    }

    /// Adds an event, unless the last one was terminal: then nothing happens.
    mutating func append(_ event: LogEvent) {
        guard !isEnded else { return }
        if case .choice(let choice, let event) = event {
            append(event, choice: UInt16(clamping: choice))
        } else {
            append(event, choice: 0)
        }
    }

    private mutating func append(_ event: LogEvent, choice: UInt16) {
        switch event {
        case .text(let channel, let token, let bytes):
            guard appendText(bytes) else { return }
            if token != nil { tokenCount += 1 }
            add(token == nil ? .piece : .token, value: token ?? 0, channel: channel, number: choice)
        case .arguments(let call, let token, let bytes) where choice == 0:
            guard appendText(bytes) else { return }
            if token != nil { tokenCount += 1 }
            add(token == nil ? .argumentPiece : .argumentToken, value: token ?? 0, number: UInt16(clamping: call))
        case .arguments(let call, let token, let bytes):
            // There is no room for two numbers in a record, and few ask for several choices with calls.
            if token != nil { tokenCount += 1 }
            add(
                .choice(Int(choice), .arguments(call: call, token: token, bytes: Array(bytes)[...])), as: .detail)
        case .detailedText(let channel, let token, let bytes, let tokenDetails):
            guard appendText(bytes) else { return }
            if token != nil { tokenCount += 1 }
            add(
                .detailedText(channel, token: token, bytes: [], tokenDetails), as: .textDetail, channel: channel,
                number: choice)
        case .ping:
            add(.ping)
        default:
            add(choice > 0 ? .choice(Int(choice), event) : event, as: .detail)
            isEnded = event.isTerminal
        }
    }

    private mutating func add(
        _ detail: LogEvent, as kind: Record.Kind, channel: OutputChannel = .content, number: UInt16 = 0
    ) {
        details.append(detail)
        detailBytes += detail.detailBytes
        add(kind, channel: channel, number: number)
    }

    private mutating func add(
        _ kind: Record.Kind, value: Int32 = 0, channel: OutputChannel = .content, number: UInt16 = 0
    ) {
        records.append(
            Record(textEnd: UInt32(text.count), value: value, kind: kind, channel: channel, number: number))
        end.advance(kind, value: value)
        if end.position.isMultiple(of: Self.checkpointSpacing) { checkpoints.append(end) }
    }

    /// What the events take in memory, without the arrays' spare room.
    var byteCount: Int {
        records.count * MemoryLayout<Record>.stride + text.count + detailBytes
    }

    /// Right behind event `number`, which is smaller than the next event's; `nil` when that number was left out.
    /// - Complexity: O(log of the number of events).
    func cursor(behind number: Int) -> LogCursor? {
        // The last mark that is not behind the event.
        var low = 0
        var high = checkpoints.count
        while low < high {
            let middle = (low + high) / 2
            if checkpoints[middle].number <= number { low = middle + 1 } else { high = middle }
        }
        var cursor = low == 0 ? LogCursor() : checkpoints[low - 1]
        while cursor.number <= number { cursor.advance(records[cursor.position]) }
        return records[cursor.position - 1].kind == .leap ? nil : cursor
    }

    /// The next event gets this number. To be called once at most.
    mutating func leap(to number: Int) {
        guard !isEnded, leap == nil, let count = Int32(exactly: number - end.number), count > 0 else { return }
        leap = end
        add(.leap, value: count)
    }

    /// - Returns: whether there was room. Otherwise the log has ended.
    private mutating func appendText(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard text.count + bytes.count <= maximumTextBytes else {
            append(.failed(EngineError(.generationFailed, "the answer is longer than \(maximumTextBytes) bytes")))
            return false
        }
        text.append(contentsOf: bytes)
        return true
    }

    /// Copies up to `limit` entries from the cursor on into `batch`, and moves the cursor behind them.
    ///
    /// - Complexity: O(events and bytes copied).
    func copy(from cursor: inout LogCursor, limit: Int, into batch: inout LogBatch) {
        let start = cursor.position
        let end = start + min(limit, records.count - start)
        batch.removeAll(first: cursor.number)
        guard start < end else { return }
        let textStart = start == 0 ? 0 : Int(records[start - 1].textEnd)
        let textEnd = Int(records[end - 1].textEnd)
        batch.records.append(contentsOf: records[start..<end])
        batch.text.append(contentsOf: text[textStart..<textEnd])
        batch.textStart = textStart
        let firstDetail = cursor.detail
        for record in records[start..<end] { cursor.advance(record) }
        batch.details.append(contentsOf: details[firstDetail..<cursor.detail])
    }
}

extension LogCursor {
    fileprivate mutating func advance(_ record: LogStorage.Record) { advance(record.kind, value: record.value) }

    /// Moves behind an entry of this kind.
    fileprivate mutating func advance(_ kind: LogStorage.Record.Kind, value: Int32) {
        position += 1
        switch kind {
        case .token, .piece, .argumentToken, .argumentPiece: break
        case .detail, .textDetail: detail += 1
        case .ping: pings += 1
        case .leap: skipped += Int(value) - 1
        }
    }
}

extension LogEvent {
    private static func byteCount(of tokens: [TokenProbabilities]) -> Int {
        tokens.reduce(0) { $0 + MemoryLayout<TokenProbabilities>.stride + $1.count * 24 }
    }

    /// What it takes in `details`, roughly.
    fileprivate var detailBytes: Int {
        var count = MemoryLayout<LogEvent>.stride
        switch self {
        case .detailedText(_, _, _, let tokenDetails): count += Self.byteCount(of: tokenDetails.probabilities)
        case .promptTokens(let tokens), .choice(_, .promptTokens(let tokens)): count += Self.byteCount(of: tokens)
        default: break
        }
        return count
    }
}
