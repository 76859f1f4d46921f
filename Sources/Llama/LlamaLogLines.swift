package import Logging

/// Makes log records of libllama's output: lines that come in pieces, with libllama's levels.
package struct LlamaLogLines: Sendable {
    package struct Record: Sendable, Equatable {
        package var level: Logger.Level
        package var message: String

        package init(_ level: Logger.Level, _ message: String) {
            self.level = level
            self.message = message
        }
    }

    /// No line of libllama is longer; more of one line is cut off.
    private static let maximumLine = 4096

    private var line = ""
    private var level = Logger.Level.debug

    package init() {}

    /// Takes a piece of a line.
    /// - Parameters:
    ///   - level: of the line that begins with it; `nil` = it goes on with the line before.
    ///   - isAborting: whether a decode has been asked to give up. That it did is no error.
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
