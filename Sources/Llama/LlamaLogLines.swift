package import Logging

/// Converts the output of libllama to log records: joins pieces of lines, and maps levels.
package struct LlamaLogLines: Sendable {
    /// One line of the log.
    package struct Record: Sendable, Equatable {
        package var level: Logger.Level
        package var message: String

        package init(_ level: Logger.Level, _ message: String) {
            self.level = level
            self.message = message
        }
    }

    /// The largest length of a line in bytes; the rest is dropped. Lines of libllama are shorter.
    private static let maximumLine = 4096

    private var line = ""
    private var level = Logger.Level.debug

    package init() {}

    /// Appends a piece of a line.
    ///
    /// - Parameters:
    ///   - level: the level of the line that begins here; `nil` = the piece continues the line before.
    ///   - isAborting: whether an abort was requested. A failed decode is then not an error.
    /// - Returns: the lines that are complete now.
    package mutating func append(_ piece: String, level: Logger.Level?, isAborting: Bool) -> [Record] {
        var records: [Record] = []
        if let level {
            records += finish(isAborting: isAborting)
            self.level = level
        }
        if line.utf8.count < Self.maximumLine { line += piece }
        if piece.last == "\n" { records += finish(isAborting: isAborting) }
        return records
    }

    private mutating func finish(isAborting: Bool) -> [Record] {
        while let last = line.last, last.isWhitespace { line.removeLast() }
        defer { line = "" }
        guard !line.isEmpty else { return [] }
        return [Record(isAborting && level >= .warning ? .trace : level, line)]
    }
}
