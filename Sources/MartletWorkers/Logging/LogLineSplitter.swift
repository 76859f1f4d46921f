/// Makes lines of what a worker writes to its standard error, whatever that is.
package struct LogLineSplitter: Sendable {
    /// Most bytes of a line; what comes after them is cut off.
    package static let maximumLineLength = 16 << 10

    private var line: [UInt8] = []

    package init() {}

    /// - Returns: The lines that are complete now, without their ends. Bytes that are no UTF-8 are replaced.
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

    /// - Returns: The last line, if it is there without its end.
    package mutating func finish() -> [String] {
        defer { line.removeAll(keepingCapacity: true) }
        return line.isEmpty ? [] : [String(decoding: line, as: UTF8.self)]
    }
}
