import Logging
import MartletPlatform
import MartletServer
import MartletWorkers

/// The destination and the format of a server's log.
struct LogOutput: Sendable {
    /// The destination of all lines, those of requests included.
    let sink: LogSink
    /// The layout that the settings select.
    let format: LineLogHandler.Format
    /// Whether nothing is written, not even the server's address.
    let isDisabled: Bool
    /// The live rows of models that load; `nil` if standard error is no terminal, or lines are not for people.
    let rows: LoadRows?
    /// The writers of the sink, for counters and for flushing.
    private let writers: [LogWriter]

    /// Reads the settings of the log and opens its file.
    /// - Throws: If the file of `--log-file` cannot be written.
    init(_ values: SettingValues) throws(SettingError) {
        isDisabled = values.toggle(.logDisable) ?? false
        let isJSON = values.toggle(.logLinesOfJSON) ?? false
        var style = LineLogHandler.TextStyle()
        if let value = values.toggle(.logTimestamps) { style.showsTime = value }
        if let value = values.toggle(.logPrefix) { style.showsLabel = value }
        format = isJSON ? .json(begin: .now) : .text(style)
        var targets: [LogSink.Target] = []
        let canShowRows = LoadRows.arePossible(
            isTerminal: Terminal.isErrorTerminal, environment: CurrentProcess.environment)
        rows =
            !isDisabled && !isJSON && canShowRows
            ? LoadRows(columns: { Terminal.size(of: STDERR_FILENO).columns }) { LogWriter.standardError.write($0) }
            : nil
        if !isDisabled {
            let colors = values.text(.logColors)
            targets.append(
                LogSink.Target(
                    writer: isJSON ? .standardOutput : .standardError,
                    hasColors: !isJSON && (colors == "on" || colors == "auto" && isatty(STDERR_FILENO) == 1),
                    rows: rows))
            if let path = values.text(.logFile) { targets.append(LogSink.Target(writer: try Self.file(path))) }
        }
        writers = targets.map(\.writer)
        // At debug and trace level the lines before a failed start are wanted, too.
        sink = LogSink(targets, buffersUntilRelease: values.logLevel > .debug)
    }

    /// The number of lines that were dropped so far because the output was full.
    var droppedCount: UInt64 { writers.reduce(0) { $0 + $1.droppedCount } }

    /// The access log; `nil` if it is off. With `--log-jsonl` its lines are JSON unless `--access-log` is set.
    func accessLog(_ values: SettingValues) -> AccessLog? {
        var format = values.text(.accessLog).flatMap(AccessLog.Format.init(rawValue:))
        if case .json = self.format, !values.isChosen(.accessLog) { format = .json }
        return format.map { format in
            AccessLog(format: format, includesProbes: values.logLevel <= .debug) { [sink] in sink.write($0 + "\n") }
        }
    }

    /// Writes lines to standard error, above the live rows.
    func writeNotice(_ text: String) {
        if let rows { rows.write(text) } else { LogWriter.standardError.write(text) }
    }

    /// Erases the live rows, and waits until all lines are written, at most `LogWriter.flushTimeout`.
    func flush() {
        rows?.finish()
        for writer in writers { writer.flush(upTo: LogWriter.flushTimeout) }
    }

    /// Opens the file for appending. Its owner can write it, its group can read it.
    private static func file(_ path: String) throws(SettingError) -> LogWriter {
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead])
            return LogWriter(descriptor: descriptor.rawValue) { LogWriter.droppedLines($0).line + "\n" }
        } catch {
            throw SettingError("--log-file: cannot write to \(path): \(error)")
        }
    }
}
