import MartletObservability
import MartletPlatform
import MartletWorkers

extension LogWriter {
    /// Writes to this process's standard error. The line about dropped lines has a time stamp.
    static let standardError = LogWriter(descriptor: STDERR_FILENO) { count in
        "\(Timestamp.now()) \(droppedLines(count).line)\n"
    }

    /// Writes to this process's standard output, for programs.
    static let standardOutput = LogWriter(descriptor: STDOUT_FILENO) { droppedLines($0).line + "\n" }
}
