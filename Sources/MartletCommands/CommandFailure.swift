import ArgumentParser
import MartletWorkers

/// The end of a failed command: one line on standard error and an exit code.
///
/// Example: `throw CommandFailure.exit(error)` writes `martlet: --port must be …` and exits with 1.
enum CommandFailure {
    /// Writes the error and returns the exit code to throw. Line breaks in the error become blanks.
    /// - Parameter usage: Whether the flags were wrong, which has the exit code 2 instead of 1.
    static func exit(_ error: some CustomStringConvertible, usage: Bool = false) -> ExitCode {
        let line = String(error.description.map { $0.isNewline ? " " : $0 })
        LogWriter.standardError.write("martlet: \(line)\n")
        LogWriter.standardError.flush(upTo: LogWriter.flushTimeout)
        return usage ? ExitCode(2) : ExitCode(1)
    }
}
