/// Cuts a server's event stream into the data of its events, and its comments.
struct EventStreamParser: Sendable {
    /// Most bytes of a line.
    private static let maximumByteCount = 16 << 20

    enum Part: Sendable, Equatable {
        case data([UInt8])
        /// Without the colon and a blank behind it. Of pings it is empty.
        case comment([UInt8])
    }

    private var line: [UInt8] = []
    /// Of the event in work; `nil` when it has none yet.
    private var data: [UInt8]?

    /// - Returns: What ends within `bytes`.
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

    private static func value(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        rest.first == UInt8(ascii: " ") ? rest.dropFirst() : rest
    }
}
