/// An incremental parser of lines for a worker's standard error. Any bytes are accepted.
package struct LogLineSplitter: Sendable {
    /// The maximum length of a line in bytes; the rest is dropped.
    package static let maximumLineLength = 16 << 10

    private var line: [UInt8] = []

    package init() {}

    /// Consumes the next bytes.
    /// - Returns: The lines that end within them, without line breaks. Bytes that are no UTF-8 become U+FFFD.
    package mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines += finish()
            } else if line.count < Self.maximumLineLength {
                line.append(byte)
            }
        }
        return lines
    }

    /// - Returns: The last line, if it has no line break.
    package mutating func finish() -> [String] {
        defer { line.removeAll(keepingCapacity: true) }
        return line.isEmpty ? [] : [String(decoding: line, as: UTF8.self)]
    }
}
