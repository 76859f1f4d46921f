internal import MartletJSON

/// Another view's events with `id:` lines, so that a client that lost its connection can say where to go on.
///
/// The id is the event's number. When an event of the log makes several parts on the wire, the last one carries the
/// number and the ones before it the number with a point and their own, counted from 1: a connection may end between
/// them.
package struct NumberedEventView: StreamView {
    private let base: any StreamView

    package init(_ base: any StreamView) { self.base = base }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        if case .ping = event { return base.encode(event, number: number, into: &bytes) }
        self.number(number, in: &bytes) { base.encode(event, number: number, into: &$0) }
    }

    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        self.number(number, in: &bytes) { base.encodeHandover(number: number, into: &$0) }
    }

    /// Puts a number in front of what `encode` writes: nearly always one part, which stays where it is then.
    private func number(_ number: Int, in bytes: inout [UInt8], encode: (inout [UInt8]) -> Void) {
        let start = bytes.count
        Self.append(number, nil, to: &bytes)
        let begin = bytes.count
        encode(&bytes)
        guard bytes.count > begin else { return bytes.removeSubrange(start...) }
        if let end = ServerSentEvents.endOfPart(in: bytes, from: begin), end < bytes.count {
            let parts = Array(bytes[begin...])
            bytes.removeSubrange(start...)
            append(parts, number, to: &bytes)
        }
    }

    private func append(_ parts: [UInt8], _ number: Int, to bytes: inout [UInt8]) {
        var begin = 0
        var count = 0
        while begin < parts.count {
            let end = ServerSentEvents.endOfPart(in: parts, from: begin) ?? parts.count
            count += 1
            Self.append(number, end == parts.count ? nil : count, to: &bytes)
            bytes.append(contentsOf: parts[begin..<end])
            begin = end
        }
    }

    private static func append(_ number: Int, _ part: Int?, to bytes: inout [UInt8]) {
        JSONText.appendRaw("id: ", to: &bytes)
        JSONText.appendInteger(number, to: &bytes)
        if let part {
            JSONText.appendRaw(".", to: &bytes)
            JSONText.appendInteger(part, to: &bytes)
        }
        JSONText.appendRaw("\n", to: &bytes)
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
