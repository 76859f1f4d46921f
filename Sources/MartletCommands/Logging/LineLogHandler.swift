import Logging
import MartletModels
import MartletObservability

/// Writes log records as lines of text.
struct LineLogHandler: LogHandler {
    enum Format: Sendable {
        /// For people: time, level, label, message, metadata.
        case text
        /// For the edge that reads a worker's standard error, see `WorkerLogLine`.
        case worker
    }

    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: Format
    private let sink: LogSink

    init(label: String, level: Logger.Level, format: Format, sink: LogSink) {
        self.label = label
        self.format = format
        self.sink = sink
        logLevel = level
    }

    static func logger(label: String, level: Logger.Level, format: Format = .text, sink: LogSink) -> Logger {
        Logger(label: label) { LineLogHandler(label: $0, level: level, format: format, sink: sink) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var message = "\(label): \(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { message += " \(key)=\(value)" }
        let record = WorkerLogLine(level: event.level, message: message)
        switch format {
        case .text: sink.write("\(Timestamp.now()) \(record.line)\n")
        case .worker: sink.write(record.line + "\n")
        }
    }
}
