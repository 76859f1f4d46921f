/// An incremental parser of event streams (text/event-stream): returns the data of events, and comments.
///
/// Fields other than `data` are ignored.
struct EventStreamParser: Sendable {
    /// The maximum length of a line in bytes; the rest is dropped.
    private static let maximumByteCount = 16 << 20

    /// A part of the stream.
    enum Part: Sendable, Equatable {
        case data([UInt8])
        /// A comment without its colon and the blank behind it. A ping is an empty comment.
        case comment([UInt8])
    }

    private var line: [UInt8] = []
    /// The data of the present event so far; `nil` if it has none yet.
    private var data: [UInt8]?

    /// Consumes the next bytes.
    /// - Returns: The parts that end within `bytes`.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [Part] {
        var events: [Part] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if line.count < Self.maximumByteCount { line.append(byte) }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty {
                if let data { events.append(.data(data)) }
                data = nil
            } else if line.first == UInt8(ascii: ":") {
                events.append(.comment(Array(Self.value(line.dropFirst()))))
            } else if line.starts(with: "data:".utf8) {
                data = (data.map { $0 + [UInt8(ascii: "\n")] } ?? []) + Self.value(line.dropFirst(5))
            }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    /// The value of a field without the blank behind the colon.
    private static func value(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        rest.first == UInt8(ascii: " ") ? rest.dropFirst() : rest
    }
}
