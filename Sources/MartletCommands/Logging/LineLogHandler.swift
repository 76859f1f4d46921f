import Logging
import MartletJSON
import MartletObservability
import MartletWorkers

/// Writes each log record as one line.
///
/// Example: `2026-11-29T20:49:14.132Z info martlet: model loaded loadTime=0.19 path=m.gguf`.
struct LineLogHandler: LogHandler {
    /// The layout of a line.
    enum Format: Sendable {
        /// For people: time, level, label, message, metadata.
        case text(TextStyle)
        /// For programs: a JSON object per line, with microseconds since `begin`.
        case json(begin: ContinuousClock.Instant)
        /// For the edge, which reads a worker's standard error, see `WorkerLogLine`.
        case worker
    }

    /// The beginning of lines for people.
    struct TextStyle: Sendable {
        var showsTime = true
        /// Whether a line has its level and its label.
        var showsLabel = true
    }

    /// Records below this level are dropped by the logger.
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    /// The part of the program, e.g. `martlet` or `engine`.
    private let label: String
    /// The layout of lines.
    private let format: Format
    /// The destination of lines, shared by all loggers of the process.
    private let sink: LogSink

    /// A handler without metadata.
    init(label: String, level: Logger.Level, format: Format, sink: LogSink) {
        self.label = label
        self.format = format
        self.sink = sink
        logLevel = level
    }

    /// A logger whose records go to `sink`.
    static func logger(label: String, level: Logger.Level, format: Format = .text(TextStyle()), sink: LogSink) -> Logger
    {
        Logger(label: label) { LineLogHandler(label: $0, level: level, format: format, sink: sink) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the record. Metadata is sorted by key, so that equal records give equal lines.
    func log(event: LogEvent) {
        var message = "\(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { message += " \(key)=\(value)" }
        let record = WorkerLogLine(level: event.level, message: "\(label): \(message)")
        let line: String
        switch format {
        case .text(let style):
            let text = style.showsLabel ? record.line : WorkerLogLine(level: event.level, message: message).text
            line = (style.showsTime ? Timestamp.now() + " " : "") + text
        case .json(let begin):
            let time = begin.duration(to: .now) / .microseconds(1)
            let object: JSONValue = [
                "type": "log", "time": .integer(Int64(time)), "level": .string(event.level.rawValue),
                "msg": .string(record.message),
            ]
            line = object.text
        case .worker: line = record.line
        }
        sink.write(line + "\n", level: event.level)
    }
}
