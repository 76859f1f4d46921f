import Logging
import MartletWorkers
import Synchronization

/// The destination of log lines: one writer or several, with an optional buffer until the start has succeeded.
///
/// A server that cannot start writes one line and nothing else. So the lines of the start are buffered until
/// ``release()``.
///
/// Thread: any.
final class LogSink: Sendable {
    /// The maximum number of buffered lines; further lines of the start are dropped.
    private static let maximumBufferedCount = 1000

    /// A writer with its presentation.
    struct Target: Sendable {
        var writer: LogWriter
        /// Whether lines have the colour of their level.
        var hasColors = false
        /// The live rows below the lines; `nil` = the writer has none.
        var rows: LoadRows?

        /// Writes lines above the live rows.
        func write(_ text: String) {
            if let rows { rows.write(text) } else { writer.write(text) }
        }
    }
    /// A buffered line. The level selects its colour later.
    private struct Line {
        var text: String
        var level: Logger.Level?
    }

    /// The writers. None means that all lines are dropped.
    private let targets: [Target]
    /// The lines of the start; `nil` = lines are written at once.
    private let buffered: Mutex<[Line]?>

    /// A sink with several writers, e.g. standard error and a file.
    init(_ targets: [Target], buffersUntilRelease: Bool = false) {
        self.targets = targets
        buffered = Mutex(buffersUntilRelease ? [] : nil)
    }

    convenience init(_ writer: LogWriter, buffersUntilRelease: Bool = false) {
        self.init([Target(writer: writer)], buffersUntilRelease: buffersUntilRelease)
    }

    /// Writes a line, or buffers it.
    /// - Parameter text: The line with its line break.
    func write(_ text: String, level: Logger.Level? = nil) {
        let line = Line(text: text, level: level)
        let isBuffered = buffered.withLock { buffered in
            guard buffered != nil else { return false }
            if let count = buffered?.count, count < Self.maximumBufferedCount { buffered?.append(line) }
            return true
        }
        if !isBuffered { write(line) }
    }

    /// Writes a line to all targets.
    private func write(_ line: Line) {
        for target in targets {
            target.write(target.hasColors ? LineColor.applied(to: line.text, level: line.level) : line.text)
        }
    }

    /// Writes the buffered lines and ends the buffering.
    func release() {
        let lines = buffered.withLock { buffered in
            defer { buffered = nil }
            return buffered ?? []
        }
        for line in lines { write(line) }
    }
}
