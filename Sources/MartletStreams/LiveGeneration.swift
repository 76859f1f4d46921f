internal import MartletObservability
internal import MartletProtocol
internal import NIOCore

/// A generation that has not ended: its log, and what stands between the engine's text and the log.
struct LiveGeneration {
    /// How far the request has come on its way to the engine.
    enum Stage {
        /// The engine does not know of it.
        case prepared
        /// It is being handed over. When `isCancelled`, whoever does that cancels it right after.
        case submitting(isCancelled: Bool)
        case submitted
    }

    let log: GenerationLog
    /// Whose quota it counts against.
    let owner: String?
    /// Where its model's metrics are.
    let series: Int
    private let begin: NIODeadline
    private var lastToken: NIODeadline?
    var stage = Stage.prepared
    private var splitter: (any OutputSplitter)?
    private var channel = MartletProtocol.Channel.content

    init(log: GenerationLog, owner: String?, series: Int, begin: NIODeadline) {
        self.log = log
        self.owner = owner
        self.series = series
        self.begin = begin
    }

    mutating func setSplitter(_ splitter: (any OutputSplitter)?) { self.splitter = splitter }

    /// Notes how long it took to what the engine reports.
    mutating func measure(_ event: EngineEvent.Kind, at now: NIODeadline, in series: inout GenerationMetrics.Series) {
        switch event {
        case .token:
            if let lastToken {
                series.nextToken(after: (now - lastToken).nanoseconds)
            } else {
                series.firstToken(after: (now - begin).nanoseconds)
            }
            lastToken = now
        case .started: series.started(after: (now - begin).nanoseconds)
        case .finished(let completion, _): series.finished(completion.timings)
        case .admitted, .promptProgress, .controlled, .failed: break
        }
    }

    /// Writes what the engine reports into the log.
    /// - Returns: Whether the generation has ended.
    mutating func take(_ event: EngineEvent, wakeups: inout Wakeups) -> Bool {
        switch event.kind {
        case .admitted(let promptTokens):
            log.append(to: &wakeups) { $0(.admitted(promptTokens: promptTokens)) }
        case .started(_, let cachedTokens):
            log.append(to: &wakeups) { $0(.started(cachedTokens: cachedTokens)) }
        case .promptProgress(let progress):
            log.append(to: &wakeups) { $0(.promptProgress(progress)) }
        case .controlled: break
        case .token(let id, let text):
            if event.probabilities.isEmpty {
                takeToken(id, text, wakeups: &wakeups)
            } else {
                takeScored(id, text, event.probabilities, wakeups: &wakeups)
            }
        case .finished(let completion, let text):
            if !event.probabilities.isEmpty { takeScored(nil, text, event.probabilities, wakeups: &wakeups) }
            finish(.finished(completion), event.probabilities.isEmpty ? text : [], wakeups: &wakeups)
            return true
        case .failed(let error):
            finish(.failed(error), [], wakeups: &wakeups)
            return true
        }
        return false
    }

    private mutating func takeToken(_ id: Int32, _ text: ArraySlice<UInt8>, wakeups: inout Wakeups) {
        guard var splitter else {
            log.append(to: &wakeups) { $0(.text(.content, token: id, bytes: text)) }
            return
        }
        // Moved out and back, so that it is changed in place.
        self.splitter = nil
        var channel = channel
        log.append(to: &wakeups) { add in
            var token: Int32? = id
            splitter.append(text) { part, bytes in
                channel = part
                add(.text(part, token: token, bytes: bytes))
                token = nil
            }
            if token != nil { add(.text(channel, token: token, bytes: [])) }
        }
        self.channel = channel
        self.splitter = splitter
    }

    /// Text whose tokens' probabilities are known. They go with its last piece, also if that is empty.
    private mutating func takeScored(
        _ id: Int32?, _ text: ArraySlice<UInt8>, _ probabilities: [TokenProbabilities], wakeups: inout Wakeups
    ) {
        var pieces: [(channel: MartletProtocol.Channel, bytes: ArraySlice<UInt8>)] = []
        if splitter == nil {
            pieces.append((channel, text))
        } else {
            splitter?.append(text) { pieces.append(($0, $1)) }
            if pieces.isEmpty { pieces.append((channel, [])) }
        }
        channel = pieces[pieces.count - 1].channel
        log.append(to: &wakeups) { add in
            for (index, piece) in pieces.enumerated() {
                let token = index == 0 ? id : nil
                if index < pieces.count - 1 {
                    add(.text(piece.channel, token: token, bytes: piece.bytes))
                } else {
                    add(.scoredText(piece.channel, token: token, bytes: piece.bytes, probabilities))
                }
            }
        }
    }

    private mutating func finish(_ event: LogEvent, _ text: ArraySlice<UInt8>, wakeups: inout Wakeups) {
        log.append(to: &wakeups) { add in
            if splitter == nil {
                if !text.isEmpty { add(.text(.content, token: nil, bytes: text)) }
            } else {
                let emit = { add(.text($0, token: nil, bytes: $1)) }
                if !text.isEmpty { splitter?.append(text, emit: emit) }
                splitter?.finish(emit: emit)
            }
            add(event)
        }
    }
}
