internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
internal import OrderedCollections

/// One line of the access log. Values that are unknown or do not apply are omitted.
///
/// Except for the method, the line has no text of a client: no path, no prompt, no key.
struct AccessRecord {
    private var fields: JSONObject = [:]

    /// - Parameters:
    ///   - time: the end of the response, as text.
    ///   - requestID: the id that the response names in `X-Request-Id`.
    ///   - route: the route's pattern.
    ///   - duration: from the request's head to the response's end.
    init(
        time: String, requestID: String, traceID: String?, requestInfo: RequestInfo, method: String, route: String,
        status: Int, duration: Duration
    ) {
        fields["time"] = .string(time)
        fields["request"] = .string(requestID)
        fields["trace"] = traceID.map { .string($0) }
        fields["key"] = requestInfo.keyLabel.map { .string($0) }
        fields["method"] = .string(method)
        fields["route"] = .string(route)
        fields["status"] = .integer(Int64(status))
        fields["duration_ms"] = Self.milliseconds(duration)
        if let log = requestInfo.generation?.log { add(log) }
    }

    /// Adds the model and the terminal event of the request's generation.
    private mutating func add(_ log: GenerationLog) {
        fields["model"] = .string(log.head.model)
        switch log.terminalEvent {
        case .finished(let completion):
            add(completion.timings)
            fields["finish"] = .string(completion.reason.accessName)
        case .failed(let error):
            fields["finish"] = .string("error")
            fields["error"] = .string(error.message)
        default: break
        }
    }

    /// Adds counts, the time to the first token (`ttft_ms`), and the rate of the tokens after it.
    private mutating func add(_ timings: Timings) {
        fields["prompt_tokens"] = .integer(Int64(timings.promptTokens))
        fields["cached_tokens"] = .integer(Int64(timings.cachedTokens))
        fields["generated_tokens"] = .integer(Int64(timings.predictedTokens))
        fields["queue_ms"] = Self.milliseconds(timings.queueTime)
        guard timings.predictedTokens > 0 else { return }
        fields["ttft_ms"] = Self.milliseconds(timings.queueTime + timings.promptTime)
        guard let speed = timings.decodeSpeed else { return }
        fields["tokens_per_second"] = .number((speed * 100).rounded() / 100)
    }

    /// Milliseconds with three decimals.
    private static func milliseconds(_ duration: Duration) -> JSONValue {
        .number((duration / .microseconds(1)).rounded() / 1_000)
    }

    /// The line without its line break.
    func line(_ format: AccessLog.Format) -> String {
        switch format {
        case .json: JSONValue.object(fields).text
        case .text:
            fields.map { name, value in
                name == "time" ? Self.plain(value) + " access:" : "\(name)=\(Self.plain(value))"
            }.joined(separator: " ")
        }
    }

    /// A text in quotation marks if it has blanks, quotation marks, `=` or characters that are no ASCII.
    private static func plain(_ value: JSONValue) -> String {
        guard let text = value.stringValue else { return value.text }
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
        return isPlain ? text : value.text
    }
}

extension MartletProtocol.GenerationSummary.Reason {
    /// The reason of a completion's end. It separates reasons that OpenAI's `finish_reason` does not.
    var accessName: String {
        switch self {
        case .endOfGeneration: "stop"
        case .stopText: "stop_text"
        case .tokenLimit: "token_limit"
        case .timeLimit: "time_limit"
        case .contextFull: "context_full"
        case .indentation: "indentation"
        case .cancelled: "cancelled"
        case .stopped: "stopped"
        }
    }
}
