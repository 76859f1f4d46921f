internal import MartletProtocol

/// The events of one log, compactly: 12 bytes for a token, plus its text in one buffer.
///
/// Text is at most `maximumTextBytes`; the event that would exceed it ends the log with an error instead.
struct LogStorage: Sendable {
    struct Record {
        enum Kind: UInt8 {
            /// `value` is the token's id.
            case token
            /// A further piece of the token before it; `value` is unused.
            case piece
            /// As `token` and `piece`, but the text is part of the arguments of call number `call`.
            case argumentToken
            case argumentPiece
            /// The next element of `details`; `value` is unused.
            case detail
            /// A token or a piece with details: the next element of `details`, whose text is in `text`.
            case textDetail
            /// A ping; `value` is unused.
            case ping
            /// No event: `value` numbers are skipped.
            case gap
        }
        /// The end of the event's text in `text`. The text begins at the end of the previous event's text.
        var textEnd: UInt32
        var value: Int32
        var kind: Kind
        var channel: OutputChannel
        /// For text, the index of the choice; for arguments, the index of the first choice's call.
        var number: UInt16
    }

    private(set) var records: [Record] = []
    private(set) var text: [UInt8] = []
    /// The events that consist of more than text, in order. They are large, but few, unless a request asks for log
    /// probabilities.
    private(set) var details: [LogEvent] = []
    private(set) var isEnded = false
    /// The number of tokens.
    private(set) var tokenCount = 0
    /// The cursors behind every `checkpointSpacing` records, so that an event is found without counting from the first.
    private var checkpoints: [LogCursor] = []
    private static let checkpointSpacing = 256
    /// The position behind the last record.
    private(set) var end = LogCursor()
    /// The position before the skipped numbers; nil = no numbers are skipped.
    private(set) var gap: LogCursor?
    /// The size of `details` in bytes, without unused capacity.
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
            // A record has no room for the indices of choice and call, and several choices with tool calls are rare.
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

    /// The size of the events in bytes, without unused capacity.
    var byteCount: Int {
        records.count * MemoryLayout<Record>.stride + text.count + detailBytes
    }

    /// The position behind event `number`, which is less than the next event's number; `nil` when that number was
    /// skipped.
    /// - Complexity: O(log of the number of events).
    func cursor(behind number: Int) -> LogCursor? {
        // The last checkpoint that is not behind the event.
        var low = 0
        var high = checkpoints.count
        while low < high {
            let middle = (low + high) / 2
            if checkpoints[middle].number <= number { low = middle + 1 } else { high = middle }
        }
        var cursor = low == 0 ? LogCursor() : checkpoints[low - 1]
        while cursor.number <= number { cursor.advance(records[cursor.position]) }
        return records[cursor.position - 1].kind == .gap ? nil : cursor
    }

    /// Gives the next event this number, and skips the numbers before it. To be called at most once.
    mutating func skipNumbers(to number: Int) {
        guard !isEnded, gap == nil, let count = Int32(exactly: number - end.number), count > 0 else { return }
        gap = end
        add(.gap, value: count)
    }

    /// Appends text.
    /// - Returns: `false` = the text would exceed its limit, and the log has ended with an error.
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

    /// Moves the cursor behind an entry of this kind.
    fileprivate mutating func advance(_ kind: LogStorage.Record.Kind, value: Int32) {
        position += 1
        switch kind {
        case .token, .piece, .argumentToken, .argumentPiece: break
        case .detail, .textDetail: detail += 1
        case .ping: pings += 1
        case .gap:
            skipped += Int(value) - 1
            gaps += 1
        }
    }
}

extension LogEvent {
    private static func byteCount(of tokens: [TokenProbabilities]) -> Int {
        tokens.reduce(0) { $0 + MemoryLayout<TokenProbabilities>.stride + $1.count * 24 }
    }

    /// The approximate size of the event in `details`, in bytes.
    fileprivate var detailBytes: Int {
        let count = MemoryLayout<LogEvent>.stride
        return switch self {
        case .detailedText(_, _, _, let tokenDetails):
            count + MemoryLayout<TokenDetails>.stride + Self.byteCount(of: tokenDetails.probabilities)
        case .promptTokens(let tokens): count + Self.byteCount(of: tokens)
        case .finished, .ended: count + MemoryLayout<GenerationSummary>.stride
        case .controlled: count + MemoryLayout<LoggedCommand>.stride
        case .promptProgress: count + MemoryLayout<PromptProgress>.stride
        case .failed: count + MemoryLayout<EngineError>.stride
        case .choice(_, let event): count + event.detailBytes
        case .admitted, .started, .text, .call, .arguments, .warning, .ping, .handedOver: count
        }
    }
}
