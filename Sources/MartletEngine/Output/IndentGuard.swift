/// Finds the first line whose indentation is below a minimum, and withholds bytes that may be its beginning.
struct IndentGuard: Sendable {
    /// The smallest number of leading spaces and tabs; 0 = no check.
    private let minimum: Int
    /// The spaces and tabs of a line that has nothing else yet; `nil` in the middle of a line, and in the first line.
    private var indent: [UInt8]?

    /// Creates a guard.
    ///
    /// - Parameter minimum: the smallest number of leading spaces and tabs; 0 = no check.
    init(minimum: Int) { self.minimum = minimum }

    /// Consumes bytes, and appends those that belong to the output to `output`.
    ///
    /// - Returns: whether a line was found that ends the output. The output then ends with the line break before that
    ///   line.
    mutating func consume(_ bytes: [UInt8], into output: inout [UInt8]) -> Bool {
        guard minimum > 0 else {
            output += bytes
            return false
        }
        for byte in bytes {
            if let held = indent {
                if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
                    indent?.append(byte)
                    continue
                }
                indent = nil
                if held.count < minimum { return true }
                output += held
            }
            output.append(byte)
            if byte == UInt8(ascii: "\n") { indent = [] }
        }
        return false
    }

    /// Ends the stream: withheld bytes belong to the output.
    mutating func finish(into output: inout [UInt8]) {
        output += indent ?? []
        indent = nil
    }
}
