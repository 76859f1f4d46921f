package import Logging

/// A log record as one line of a worker's standard error: the level, a blank, the message.
///
/// Example: `info engine: model loaded`.
package struct WorkerLogLine: Sendable, Equatable {
    package var level: Logger.Level
    package var message: String

    package init(level: Logger.Level, message: String) {
        self.level = level
        self.message = message
    }

    /// Parses a line. A line without a level, such as the message of a library before it aborts, is a warning.
    package init(line: String) {
        if let space = line.firstIndex(of: " "), let level = Logger.Level(rawValue: String(line[..<space])) {
            self.init(level: level, message: String(line[line.index(after: space)...]))
        } else {
            self.init(level: .warning, message: line)
        }
    }

    /// Whether the line is a log record, and not the output of a library.
    package static func hasLevel(_ line: String) -> Bool {
        line.firstIndex(of: " ").flatMap { Logger.Level(rawValue: String(line[..<$0])) } != nil
    }

    /// The line without its line break. Line breaks within the message become blanks.
    package var line: String { "\(level.rawValue) \(text)" }

    /// The message on one line.
    package var text: String { String(message.map { $0.isNewline ? " " : $0 }) }
}
