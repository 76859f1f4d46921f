import Logging
import MartletJSON
import MartletObservability
import MartletWorkers

/// Writes log records as lines of text.
struct LineLogHandler: LogHandler {
    enum Format: Sendable {
        /// For people: time, level, label, message, metadata.
        case text(TextStyle)
        /// For programs: an object on each line, with microseconds since `begin`.
        case json(begin: ContinuousClock.Instant)
        /// For the edge that reads a worker's standard error, see `WorkerLogLine`.
        case worker
    }

    /// What lines for people begin with.
    struct TextStyle: Sendable {
        var showsTime = true
        /// Whether they say their level and label.
        var showsLabel = true
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

    static func logger(label: String, level: Logger.Level, format: Format = .text(TextStyle()), sink: LogSink) -> Logger
    {
        Logger(label: label) { LineLogHandler(label: $0, level: level, format: format, sink: sink) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

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
