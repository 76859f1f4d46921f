import MartletStreams

/// The part of one stream that a client has received over all its connections.
struct ReceivedStream {
    /// Joined bytes of the response from its begin on, for cursors that count bytes.
    private(set) var bytes: [UInt8] = []
    /// The last complete event or part of the numbered stream.
    private(set) var last: EventIdentifier?
    /// Bytes of the numbered stream behind the last complete part.
    private var partial: [UInt8] = []
    /// The number of terminal events.
    private(set) var endCount = 0
    /// Whether the last event says that another process continues the generation.
    private(set) var isHandedOver = false
    private var isBehindEnd = false

    /// A new connection continues behind the last complete part.
    ///
    /// A replay has other bytes than the notice of a handover, of the same length. A client ignores both.
    mutating func reconnect() {
        partial = []
        let count = noticeCount
        if count > 0 {
            bytes.removeLast(count)
            bytes += Array(SimulationView.handoverInReplay.utf8).prefix(count)
        }
        isHandedOver = false
    }

    /// The bytes that every reading has: those before an incomplete notice of a handover.
    var comparableBytes: [UInt8] { Array(bytes.dropLast(noticeCount)) }

    /// The number of last bytes that may be the begin of a notice of a handover.
    private var noticeCount: Int {
        let handover = Array(SimulationView.handover.utf8)
        var start = bytes.count
        while start > 0, bytes.count - start < handover.count,
            !(start > 1 && bytes[start - 1] == 0x0A && bytes[start - 2] == 0x0A)
        {
            start -= 1
        }
        let last = bytes[start...]
        return !last.isEmpty && last.count < handover.count && handover.starts(with: last) ? last.count : 0
    }

    /// Forgets everything, to read again from the begin.
    mutating func restart() { self = ReceivedStream() }

    /// Adds bytes of the response without numbers.
    mutating func add(bytes new: [UInt8]) {
        let handover = Array(SimulationView.handover.utf8)
        bytes += new
        isHandedOver = bytes.suffix(handover.count) == handover[...]
        // A replay has other bytes of the same length.
        if isHandedOver {
            bytes.removeLast(handover.count)
            bytes += Array(SimulationView.handoverInReplay.utf8)
        }
        let done = Array(SimulationView.done.utf8)
        if bytes.suffix(done.count) == done[...] { endCount = 1 }
    }

    /// A numbered part.
    struct Part {
        var identifier: EventIdentifier
        var bytes: [UInt8]
    }

    /// Adds bytes of the numbered stream.
    /// - Parameter fault: receives a sentence about a broken order.
    /// - Returns: the parts that are complete now, without pings.
    mutating func add(numbered new: [UInt8], fault: (String) -> Void) -> [Part] {
        partial += new
        var parts: [Part] = []
        var length = 0
        for slice in SimulatedParts.split(partial) {
            length += slice.count
            guard let part = Self.part(slice) else {
                if Array(slice) != ServerSentEvents.ping { fault("a part has no id: \(Self.text(slice))") }
                continue
            }
            if let last, !last.isBefore(part.identifier) {
                fault("event \(part.identifier.text) follows event \(last.text)")
            }
            if isBehindEnd { fault("event \(part.identifier.text) follows the terminal event") }
            last = part.identifier
            isHandedOver = part.bytes == Array(SimulationView.handover.utf8)
            if part.bytes == Array(SimulationView.done.utf8) {
                endCount += 1
                isBehindEnd = true
            }
            parts.append(part)
        }
        partial.removeFirst(length)
        return parts
    }

    /// The part of a slice that begins with an `id:` line.
    private static func part(_ slice: ArraySlice<UInt8>) -> Part? {
        guard slice.starts(with: "id: ".utf8), let end = slice.firstIndex(of: 0x0A) else { return nil }
        let id = String(decoding: slice[(slice.startIndex + 4)..<end], as: UTF8.self)
        return EventIdentifier(id).map { Part(identifier: $0, bytes: Array(slice[(end + 1)...])) }
    }

    private static func text(_ slice: ArraySlice<UInt8>) -> String {
        String(decoding: slice.filter { $0 != 0x0A }, as: UTF8.self)
    }
}

extension EventIdentifier {
    /// Whether the other part comes later in a stream.
    func isBefore(_ other: EventIdentifier) -> Bool {
        (number, parts ?? .max) < (other.number, other.parts ?? .max)
    }

    /// The identifier as an `id:` line has it.
    var text: String { parts.map { "\(number).\($0)" } ?? "\(number)" }
}
