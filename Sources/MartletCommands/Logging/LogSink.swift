import Logging
import MartletWorkers
import Synchronization

/// Where log lines go: to writers, at once or as soon as it is known how the start went.
///
/// A server that fails to start says so in one line. So what is logged before may be held back until it is known
/// whether the start went well.
final class LogSink: Sendable {
    /// More lines than any start has.
    private static let maximumBufferedCount = 1000

    struct Target: Sendable {
        var writer: LogWriter
        /// Whether lines are coloured by their level.
        var hasColors = false
    }
    private struct Line {
        var text: String
        var level: Logger.Level?
    }

    private let targets: [Target]
    private let buffered: Mutex<[Line]?>

    init(_ targets: [Target], buffersUntilRelease: Bool = false) {
        self.targets = targets
        buffered = Mutex(buffersUntilRelease ? [] : nil)
    }

    convenience init(_ writer: LogWriter, buffersUntilRelease: Bool = false) {
        self.init([Target(writer: writer)], buffersUntilRelease: buffersUntilRelease)
    }

    /// - Parameter text: With its end.
    func write(_ text: String, level: Logger.Level? = nil) {
        let line = Line(text: text, level: level)
        let isBuffered = buffered.withLock { buffered in
            guard buffered != nil else { return false }
            if let count = buffered?.count, count < Self.maximumBufferedCount { buffered?.append(line) }
            return true
        }
        if !isBuffered { write(line) }
    }

    private func write(_ line: Line) {
        for target in targets {
            target.writer.write(target.hasColors ? LineColor.applied(to: line.text, level: line.level) : line.text)
        }
    }

    /// Writes what was held back, and holds nothing back from now on.
    func release() {
        let lines = buffered.withLock { buffered in
            defer { buffered = nil }
            return buffered ?? []
        }
        for line in lines { write(line) }
    }
}
