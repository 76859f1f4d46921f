/// The reason why a text is not JSON or exceeds a limit.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One sentence without its position.
    package var message: String
    /// The line, counted from 1.
    package var line: Int
    /// The byte in the line, counted from 1.
    package var column: Int

    /// Creates an error at a position.
    package init(message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    package var description: String { "\(message) at line \(line), column \(column)" }
}
