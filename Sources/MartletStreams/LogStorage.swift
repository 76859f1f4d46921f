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
            /// The next of `details`; `value` means nothing.
            case detail
            /// A token or a piece, as the next of `details` says, which lacks only the text.
            case scored
        }
        /// Where this event's text ends in the buffer. It begins where the event before it ends.
        var textEnd: UInt32
        var value: Int32
        var kind: Kind
        var channel: Channel
    }

    private(set) var records: [Record] = []
    private(set) var text: [UInt8] = []
    /// Events that are not only text, in order. They need not be small: there are few of them, unless probabilities are
    /// asked for.
    private(set) var details: [LogEvent] = []
    private(set) var isEnded = false
    let maximumTextBytes: Int

    init(maximumTextBytes: Int = Int(UInt32.max)) {
        self.maximumTextBytes = min(maximumTextBytes, Int(UInt32.max))
    }

    /// Adds an event, unless the last one was terminal: then nothing happens.
    mutating func append(_ event: LogEvent) {
        guard !isEnded else { return }
        switch event {
        case .text(let channel, let token, let bytes):
            guard takeText(bytes) else { return }
            records.append(
                Record(
                    textEnd: UInt32(text.count), value: token ?? 0, kind: token == nil ? .piece : .token,
                    channel: channel))
        case .scoredText(let channel, let token, let bytes, let notes):
            guard takeText(bytes) else { return }
            details.append(.scoredText(channel, token: token, bytes: [], notes))
            records.append(Record(textEnd: UInt32(text.count), value: 0, kind: .scored, channel: channel))
        default:
            details.append(event)
            records.append(Record(textEnd: UInt32(text.count), value: 0, kind: .detail, channel: .content))
            isEnded = event.isTerminal
        }
    }

    /// - Returns: whether there was room. Otherwise the log has ended.
    private mutating func takeText(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard text.count + bytes.count <= maximumTextBytes else {
            append(.failed(EngineError(.generationFailed, "the answer is longer than \(maximumTextBytes) bytes")))
            return false
        }
        text.append(contentsOf: bytes)
        return true
    }

    /// Copies up to `limit` events from number `cursor.number` on into `batch`, and moves the cursor behind them.
    ///
    /// - Complexity: O(events and bytes copied).
    func copy(from cursor: inout LogCursor, limit: Int, into batch: inout LogBatch) {
        let end = min(records.count, cursor.number + limit)
        batch.removeAll(first: cursor.number)
        guard cursor.number < end else { return }
        let textStart = cursor.number == 0 ? 0 : Int(records[cursor.number - 1].textEnd)
        let textEnd = Int(records[end - 1].textEnd)
        batch.records.append(contentsOf: records[cursor.number..<end])
        batch.text.append(contentsOf: text[textStart..<textEnd])
        batch.textStart = textStart
        for record in records[cursor.number..<end] where record.kind == .detail || record.kind == .scored {
            batch.details.append(details[cursor.detail])
            cursor.detail += 1
        }
        cursor.number = end
    }
}
