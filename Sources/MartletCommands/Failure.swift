import ArgumentParser
import MartletModels

/// Ends a command with one line on standard error.
enum Failure {
    /// - Parameter usage: Whether the user gave wrong flags, which has an exit code of its own.
    static func exit(_ error: some CustomStringConvertible, usage: Bool = false) -> ExitCode {
        let line = String(error.description.map { $0.isNewline ? " " : $0 })
        LogWriter.standardError.write("martlet: \(line)\n")
        LogWriter.standardError.flush(upTo: LogWriter.patience)
        return usage ? ExitCode(2) : ExitCode(1)
    }
}
