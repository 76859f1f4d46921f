internal import MartletJSON

/// The events of another view with `id:` lines, so that a client can resume after a lost connection.
///
/// The id is the event's number. When one event of the log becomes several parts on the wire, the last part has the
/// number as its id, and each earlier part has the number, a point, and the part's index from 1: a connection may end
/// between the parts. Example: `id: 7.1`, `id: 7.2`, `id: 7`.
package struct NumberedEventView: FoldingView {
    private let base: any StreamView

    /// Whether the base is a fold decides whether this view is one.
    package var folding: (any FoldingView)? { base.folding == nil ? nil : self }

    package init(_ base: any StreamView) { self.base = base }

    package func encode(
        _ event: LogEvent, number: Int, state: inout ViewState, history: LogHistory, into bytes: inout [UInt8]
    ) {
        guard let folding = base.folding else { return encode(event, number: number, into: &bytes) }
        if case .ping = event {
            return folding.encode(event, number: number, state: &state, history: history, into: &bytes)
        }
        self.number(number, in: &bytes) {
            folding.encode(event, number: number, state: &state, history: history, into: &$0)
        }
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        if case .ping = event { return base.encode(event, number: number, into: &bytes) }
        self.number(number, in: &bytes) { base.encode(event, number: number, into: &$0) }
    }

    /// The handover notice of the base view, with the number of the event that it replaces.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        self.number(number, in: &bytes) { base.encodeHandover(number: number, into: &$0) }
    }

    /// Puts a number before the bytes that `encode` appends: nearly always one part, which is not copied then.
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

/// The last id that a client has received of a numbered stream.
package struct EventIdentifier: Sendable, Equatable {
    /// The number of the event.
    package var number: Int
    /// The number of received parts of the event; `nil` = all.
    package var parts: Int?

    package init(number: Int) { self.number = number }

    /// Reads an id; `nil` for any other text.
    /// - Parameter text: the id as in `id:` lines.
    package init?(_ text: some StringProtocol) {
        let words = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = words.first, let number = Self.count(first) else { return nil }
        self.number = number
        guard words.count == 2 else { return }
        guard let parts = Self.count(words[1]), parts > 0 else { return nil }
        self.parts = parts
    }

    /// A number of at most 18 digits; `nil` for any other text.
    private static func count(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 18 else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text)
    }
}
