/// Another view's events with `id:` lines, so that a client that lost its connection can say where to go on.
///
/// The id is the event's number. When an event of the log makes several parts on the wire, the last one carries the number
/// and the ones before it the number with a point and their own, counted from 1: a connection may end between them.
package struct NumberedEventView: StreamView {
    private let base: any StreamView

    package init(_ base: any StreamView) { self.base = base }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        let start = bytes.count
        base.encode(event, number: number, into: &bytes)
        if event == .ping { return }
        self.number(number, partsFrom: start, of: &bytes)
    }

    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        let start = bytes.count
        base.encodeHandover(number: number, into: &bytes)
        self.number(number, partsFrom: start, of: &bytes)
    }

    private func number(_ number: Int, partsFrom start: Int, of bytes: inout [UInt8]) {
        guard bytes.count > start else { return }
        let parts = Array(bytes[start...])
        bytes.removeSubrange(start...)
        var begin = 0
        var count = 0
        while begin < parts.count {
            let end = ServerSentEvents.endOfPart(in: parts, from: begin) ?? parts.count
            count += 1
            bytes.append(contentsOf: (end == parts.count ? "id: \(number)\n" : "id: \(number).\(count)\n").utf8)
            bytes.append(contentsOf: parts[begin..<end])
            begin = end
        }
    }
}

/// What a client says that it has seen of a numbered stream.
package struct EventIdentifier: Sendable, Equatable {
    package var number: Int
    /// How many parts of the event, if not all.
    package var parts: Int?

    package init(number: Int) { self.number = number }

    /// - Parameter text: as `id:` lines have it.
    package init?(_ text: some StringProtocol) {
        let words = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = words.first, let number = Self.count(first) else { return nil }
        self.number = number
        guard words.count == 2 else { return }
        guard let parts = Self.count(words[1]), parts > 0 else { return nil }
        self.parts = parts
    }

    /// Digits only, and few enough.
    private static func count(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 18 else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text)
    }
}
