/// Why a text is not JSON, or more than the limits allow.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One sentence without its place.
    package var message: String
    /// Counted from 1.
    package var line: Int
    /// In bytes, counted from 1.
    package var column: Int

    package init(message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    package var description: String { "\(message) at line \(line), column \(column)" }
}
