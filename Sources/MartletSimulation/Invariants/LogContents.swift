import MartletProtocol
import MartletStreams

/// A whole log with the bytes that its readers receive.
struct LogContents {
    /// All entries, each with its number; a ping has the number of the event behind it.
    private(set) var entries: [(number: Int, event: LogEvent)] = []
    /// The response without `id:` lines.
    private(set) var bytes: [UInt8] = []
    /// The number of bytes before each event, by the event's number.
    private(set) var offsets: [Int: Int] = [:]
    /// The first number that no event has, if numbers are missing before the terminal event.
    private(set) var firstMissing: Int?
    /// The number of bytes before the missing numbers.
    private(set) var missingOffset = 0

    /// - Parameter log: a log whose events are all visible, or of which the visible part is wanted.
    init(_ log: GenerationLog) {
        var cursor = LogCursor()
        var batch = LogBatch()
        _ = log.copy(from: &cursor, limit: .max, into: &batch)
        let view = SimulationView()
        var next = 0
        batch.forEach { event, number in
            entries.append((number, event))
            guard event != .ping else { return view.encode(event, number: number, into: &bytes) }
            if number != next, firstMissing == nil { (firstMissing, missingOffset) = (next, bytes.count) }
            next = number + 1
            offsets[number] = bytes.count
            view.encode(event, number: number, into: &bytes)
        }
    }

    /// The bytes of one event, or of one of its parts.
    /// - Parameter part: counted from 1; nil = the last part.
    func bytes(ofEvent number: Int, part: Int?) -> [UInt8]? {
        guard let event = event(number) else { return nil }
        var bytes: [UInt8] = []
        SimulationView().encode(event, number: number, into: &bytes)
        let parts = SimulatedParts.split(bytes)
        let index = part.map { $0 - 1 } ?? parts.count - 1
        return parts.indices.contains(index) ? Array(parts[index]) : nil
    }

    /// The event with a number; nil if there is none.
    func event(_ number: Int) -> LogEvent? {
        entries.first { $0.number == number && $0.event != .ping }?.event
    }

    /// The first tokens of all choices, in the order of the log, for messages.
    var tokens: [Int32] {
        entries.compactMap { entry in
            let event = if case .choice(_, let inner) = entry.event { inner } else { entry.event }
            switch event {
            case .text(_, let token?, _), .detailedText(_, let token?, _, _), .arguments(_, let token?, _): return token
            default: return nil
            }
        }.prefix(24).map(\.self)
    }

    var isEnded: Bool { entries.last?.event.isTerminal ?? false }
}

/// Parts of a stream, each with its empty line.
enum SimulatedParts {
    /// The whole parts of bytes. Bytes behind the last whole part are left out.
    static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 1
        while index < bytes.count {
            if bytes[index] == 0x0A, bytes[index - 1] == 0x0A {
                parts.append(bytes[start...index])
                start = index + 1
                index += 1
            }
            index += 1
        }
        return parts
    }
}
