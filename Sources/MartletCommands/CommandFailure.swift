import ArgumentParser
import MartletWorkers

/// The end of a failed command: one line on standard error and an exit code.
///
/// Example: `throw CommandFailure.exit(error)` writes `martlet: no server listens on …` and exits with 1.
enum CommandFailure {
    /// Writes the error and returns the exit code to throw. Line breaks in the error become blanks.
    /// - Parameter usage: Whether the command line was wrong, see ``ExitStatus/usage``.
    static func exit(_ error: some CustomStringConvertible, usage: Bool = false) -> ExitCode {
        let line = String(error.description.map { $0.isNewline ? " " : $0 })
        LogWriter.standardError.write("martlet: \(line)\n")
        LogWriter.standardError.flush(upTo: LogWriter.flushTimeout)
        return ExitCode((usage ? ExitStatus.usage : .failure).rawValue)
    }
}
