import ArgumentParser
import MartletWorkers

/// Ends a command with one line on standard error.
enum CommandFailure {
    /// - Parameter usage: Whether the user gave wrong flags, which has an exit code of its own.
    static func exit(_ error: some CustomStringConvertible, usage: Bool = false) -> ExitCode {
        let line = String(error.description.map { $0.isNewline ? " " : $0 })
        LogWriter.standardError.write("martlet: \(line)\n")
        LogWriter.standardError.flush(upTo: LogWriter.flushTimeout)
        return usage ? ExitCode(2) : ExitCode(1)
    }
}
