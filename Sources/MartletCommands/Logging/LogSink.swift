import MartletModels
import Synchronization

/// Where log lines go: to a writer, at once or as soon as it is known how the start went.
///
/// A server that fails to start says so in one line. So what is logged before may be held back until it is known whether
/// the start went well.
final class LogSink: Sendable {
    /// More lines than any start has.
    private static let maximumHeldCount = 1000

    private let writer: LogWriter
    private let held: Mutex<[String]?>

    init(_ writer: LogWriter, holdsBack: Bool = false) {
        self.writer = writer
        held = Mutex(holdsBack ? [] : nil)
    }

    func write(_ line: String) {
        let isHeld = held.withLock { held in
            guard held != nil else { return false }
            if let count = held?.count, count < Self.maximumHeldCount { held?.append(line) }
            return true
        }
        if !isHeld { writer.write(line) }
    }

    /// Writes what was held back, and holds nothing back from now on.
    func release() {
        let lines = held.withLock { held in
            defer { held = nil }
            return held ?? []
        }
        for line in lines { writer.write(line) }
    }
}
