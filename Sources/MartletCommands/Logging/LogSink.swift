import Logging
import MartletModels
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where log lines go: standard error, each in one write, so that lines of several threads do not mix.
///
/// A server that fails to start says so in one line. So what is logged before may be held back until it is known whether
/// the start went well.
final class LogSink: Sendable {
    /// More lines than any start has.
    private static let maximumHeldCount = 1000

    private let held: Mutex<[String]?>

    init(holdsBack: Bool = false) { held = Mutex(holdsBack ? [] : nil) }

    func write(_ line: String) {
        let isHeld = held.withLock { held in
            guard held != nil else { return false }
            if let count = held?.count, count < Self.maximumHeldCount { held?.append(line) }
            return true
        }
        if !isHeld { Terminal.write(line, to: STDERR_FILENO) }
    }

    /// Writes what was held back, and holds nothing back from now on.
    func release() {
        let lines = held.withLock { held in
            defer { held = nil }
            return held ?? []
        }
        if !lines.isEmpty { Terminal.write(lines.joined(), to: STDERR_FILENO) }
    }
}
