import MartletJSON

/// A part of a response as it arrives.
enum ChatStreamEvent: Sendable, Equatable {
    case content(String)
    case reasoning(String)
    /// The response has begun. The id is the address for control commands; `nil` = the server has none.
    case began(id: String?)
    /// The request waits for its model, in words such as `loading 60 %`.
    case loading(String)
    /// The request waits, or its prompt is computed.
    case progress(PromptReading)
    /// The output is complete; `length` = it was cut off at a limit.
    case finished(reason: String)
    /// The counts and times at the end.
    case ended(ResponseSpeed)
    /// A control command took effect at this position.
    /// - `contentBytes`: The length of the remaining content in bytes, after a rewind.
    case controlApplied(action: String, contentBytes: Int? = nil)
    /// Parts of the request that have no effect, e.g. a field that the server does not know.
    case warned([String])
    /// The server ended the response with this error.
    case failed(String)

    /// Reads a `chat.completion.chunk` or an error event. Data in another form has no events.
    static func events(inChunk data: [UInt8]) -> [ChatStreamEvent] {
        guard let chunk = try? JSONParser.parse(data) else { return [] }
        if let error = ErrorAdvice.line(in: chunk) { return [.failed(error)] }
        var events: [ChatStreamEvent] = []
        if let text = loadText(chunk["load_progress"]) { events.append(.loading(text)) }
        if let reading = PromptReading(chunk["prompt_progress"]) { events.append(.progress(reading)) }
        let choice = chunk["choices"]?.arrayValue?.first
        if let delta = choice?["delta"] {
            if let text = delta["reasoning_content"]?.stringValue, !text.isEmpty { events.append(.reasoning(text)) }
            if let text = delta["content"]?.stringValue, !text.isEmpty { events.append(.content(text)) }
        }
        if let reason = choice?["finish_reason"]?.stringValue { events.append(.finished(reason: reason)) }
        let warnings = warnings(in: chunk)
        if !warnings.isEmpty { events.append(.warned(warnings)) }
        if let speed = ResponseSpeed(chunk["timings"]) { events.append(.ended(speed)) }
        return events
    }

    /// The words for `load_progress`, e.g. `{"status":"loading","fraction":0.6}`; `nil` for another form.
    private static func loadText(_ json: JSONValue?) -> String? {
        guard let status = json?["status"]?.stringValue else { return nil }
        switch status {
        case "queued": return "waiting until the model can be loaded"
        case "downloading", "loading": return LoadState.text(status, fraction: json?["fraction"]?.doubleValue)
        default: return nil
        }
    }

    /// Reads a comment about a control command. Other comments, such as pings, have no events.
    static func events(inComment comment: [UInt8]) -> [ChatStreamEvent] {
        let beginning = "martlet-control "
        guard comment.starts(with: beginning.utf8),
            let control = try? JSONParser.parse(comment.dropFirst(beginning.utf8.count)),
            let action = control["action"]?.stringValue
        else { return [] }
        return [
            .controlApplied(action: action, contentBytes: control["content_bytes"]?.integerValue.flatMap { Int($0) })
        ]
    }

    /// The member `warnings` of a response or of a chunk.
    static func warnings(in body: JSONValue) -> [String] {
        (body["warnings"]?.arrayValue ?? []).compactMap { $0.stringValue }
    }
}

/// The place of a waiting request, or the computed part of its prompt.
struct PromptReading: Sendable, Equatable {
    /// Tokens of the prompt.
    var total: Int
    /// Tokens that are computed or came from the KV cache.
    var processed: Int
    /// The number of requests that come before; `nil` = the request has its slot.
    var queuePosition: Int?

    init(total: Int, processed: Int, queuePosition: Int? = nil) {
        self.total = total
        self.processed = processed
        self.queuePosition = queuePosition
    }

    /// Reads `prompt_progress`; `nil` for another form.
    init?(_ json: JSONValue?) {
        guard let total = json?["total"]?.integerValue, let processed = json?["processed"]?.integerValue else {
            return nil
        }
        self.total = Int(clamping: total)
        self.processed = Int(clamping: processed)
        queuePosition = json?["queue_position"]?.integerValue.map { Int(clamping: $0) }
    }

    /// A line such as `reading the prompt 40 %` or `waiting, 2 before you`.
    var text: String {
        if let queuePosition { return queuePosition == 0 ? "waiting, next" : "waiting, \(queuePosition) before you" }
        // Numbers of a server may have any size.
        let percent = total > 0 ? Double(processed) * 100 / Double(total) : 0
        return "reading the prompt \(Int(min(max(percent, 0), 100))) %"
    }
}

/// The number of tokens of a response and their time.
struct ResponseSpeed: Sendable, Equatable {
    var tokens: Int
    var tokensPerSecond: Double
    /// Prompt and output together.
    var seconds: Double

    init(tokens: Int, tokensPerSecond: Double, seconds: Double) {
        self.tokens = tokens
        self.tokensPerSecond = tokensPerSecond
        self.seconds = seconds
    }

    /// Reads llama-server's `timings`; `nil` for another form.
    init?(_ json: JSONValue?) {
        guard let tokens = json?["predicted_n"]?.integerValue,
            let rate = json?["predicted_per_second"]?.doubleValue
        else { return nil }
        self.tokens = Int(clamping: tokens)
        tokensPerSecond = rate
        seconds = ((json?["prompt_ms"]?.doubleValue ?? 0) + (json?["predicted_ms"]?.doubleValue ?? 0)) / 1_000
    }

    /// A line such as `128 tokens, 42.1 tokens/s, 3.2 s`.
    var text: String {
        func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
        let count = tokens == 1 ? "1 token" : "\(tokens) tokens"
        return count + (tokensPerSecond > 0 ? ", \(rounded(tokensPerSecond)) tokens/s" : "") + ", \(rounded(seconds)) s"
    }
}
