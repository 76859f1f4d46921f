import MartletObservability
import MartletPlatform
import MartletWorkers

extension LogWriter {
    /// To this process's standard error, for a person.
    static let standardError = LogWriter(descriptor: STDERR_FILENO) { count in
        "\(Timestamp.now()) \(droppedLines(count).line)\n"
    }

    /// To this process's standard output, for a program.
    static let standardOutput = LogWriter(descriptor: STDOUT_FILENO) { droppedLines($0).line + "\n" }
}
