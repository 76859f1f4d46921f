/// Cuts a server's event stream into the data of its events.
struct EventStreamParser: Sendable {
    /// Most bytes of a line.
    private static let maximumByteCount = 16 << 20

    private var line: [UInt8] = []
    /// Of the event in work; `nil` when it has none yet.
    private var data: [UInt8]?

    /// - Returns: The data of the events that end within `bytes`. Comments, such as pings, are none.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if line.count < Self.maximumByteCount { line.append(byte) }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty {
                if let data { events.append(data) }
                data = nil
            } else if line.starts(with: "data:".utf8) {
                let value = line.dropFirst(5)
                data =
                    (data.map { $0 + [UInt8(ascii: "\n")] } ?? [])
                    + (value.first == UInt8(ascii: " ") ? value.dropFirst() : value)
            }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }
}
