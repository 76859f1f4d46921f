import ArgumentParser
import MartletPlatform
import MartletWorkers

/// The end of a failed command: one line on standard error and an exit code.
///
/// Example: `throw CommandFailure.exit(error)` writes `martlet: no server listens on …` and exits with 1.
enum CommandFailure {
    /// Writes the error and returns the exit code to throw. Line breaks in the error become blanks.
    /// - Parameter usage: Whether the command line was wrong, see ``ExitStatus/usage``.
    static func exit(_ error: some CustomStringConvertible, usage: Bool = false) -> ExitCode {
        LogWriter.standardError.write(line(error))
        LogWriter.standardError.flush(upTo: LogWriter.flushTimeout)
        return ExitCode((usage ? ExitStatus.usage : .failure).rawValue)
    }

    /// Writes the error and ends the process at once, on this thread: for a process that may lack the memory for a further
    /// thread, for which a task would wait without end.
    static func end(_ error: some CustomStringConvertible) -> Never {
        Array(line(error).utf8).withUnsafeBytes { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
        _exit(ExitStatus.failure.rawValue)
    }

    private static func line(_ error: some CustomStringConvertible) -> String {
        "martlet: " + String(error.description.map { $0.isNewline ? " " : $0 }) + "\n"
    }
}
