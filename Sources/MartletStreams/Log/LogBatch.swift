internal import MartletProtocol

/// A copy of consecutive events, which are encoded without the log's lock.
///
/// A batch is filled many times. It keeps its capacity, so filling it again allocates nothing.
package struct LogBatch: Sendable {
    /// The number of the first event.
    var first = 0
    var records: [LogStorage.Record] = []
    var text: [UInt8] = []
    /// The offset of `text` in the log's text, in bytes.
    var textStart = 0
    var details: [LogEvent] = []

    package init() {}

    package var isEmpty: Bool { records.isEmpty }

    mutating func removeAll(first: Int) {
        self.first = first
        records.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        details.removeAll(keepingCapacity: true)
    }

    /// Calls `body` with each event and its number in the log; with a ping, the number is that of the event after it.
    package func forEach(_ body: (LogEvent, Int) -> Void) {
        var start = 0
        var detail = 0
        var number = first
        for record in records {
            let end = Int(record.textEnd) - textStart
            switch record.kind {
            case .token:
                body(record.owned(.text(record.channel, token: record.value, bytes: text[start..<end])), number)
            case .piece:
                body(record.owned(.text(record.channel, token: nil, bytes: text[start..<end])), number)
            case .argumentToken:
                body(
                    .arguments(call: Int(record.number), token: record.value, bytes: text[start..<end]), number)
            case .argumentPiece:
                body(.arguments(call: Int(record.number), token: nil, bytes: text[start..<end]), number)
            case .detail:
                body(details[detail], number)
                detail += 1
            case .textDetail:
                if case .detailedText(let channel, let token, _, let tokenDetails) = details[detail] {
                    body(
                        record.owned(.detailedText(channel, token: token, bytes: text[start..<end], tokenDetails)),
                        number)
                }
                detail += 1
            case .ping:
                body(.ping, number)
            case .gap:
                number += Int(record.value) - 1
            }
            if record.kind != .ping { number += 1 }
            start = end
        }
    }
}

extension LogStorage.Record {
    /// The event as an event of the record's choice.
    fileprivate func owned(_ event: LogEvent) -> LogEvent { number == 0 ? event : .choice(Int(number), event) }
}
