/// Finds the first new line that is indented less than wanted, and holds back what may be its beginning.
struct IndentGuard: Sendable {
    /// Most spaces and tabs that are looked at; 0 = lines are not looked at.
    private let minimum: Int
    /// Spaces and tabs of a line that has nothing else yet; `nil` = in the middle of a line, or in the first one.
    private var indent: [UInt8]?

    /// - Parameter minimum: how many spaces and tabs a line needs at its beginning.
    init(minimum: Int) { self.minimum = minimum }

    /// Takes bytes, and appends to `output` those that belong to the answer.
    ///
    /// - Returns: whether a line was found that ends the answer, which then ends with the break before it.
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

    /// No more bytes come: what is held back belongs to the answer.
    mutating func finish(into output: inout [UInt8]) {
        output += indent ?? []
        indent = nil
    }
}
