import MartletGenerations
import MartletJSON
import MartletProtocol
package import MartletStreams
import MartletText
import OrderedCollections

/// The state of a response, as clients see it.
enum ResponseStatus: Sendable {
    case queued
    case inProgress
    case completed
    /// A limit ended the output.
    case incomplete
    case cancelled
    case failed(APIError)

    /// The status of a generation that has ended without an error.
    init(_ completion: GenerationSummary) {
        self =
            switch completion.reason {
            case .endOfGeneration, .stopText, .stopped: .completed
            case .tokenLimit, .timeLimit, .indentation, .contextFull: .incomplete
            case .cancelled: .cancelled
            }
    }

    /// The word of the status.
    var word: StaticString {
        switch self {
        case .queued: "queued"
        case .inProgress: "in_progress"
        case .completed: "completed"
        case .incomplete: "incomplete"
        case .cancelled: "cancelled"
        case .failed: "failed"
        }
    }

    /// The name of the last event of a stream.
    var eventName: StaticString {
        switch self {
        case .queued, .inProgress: "response.in_progress"
        case .completed: "response.completed"
        case .incomplete: "response.incomplete"
        case .cancelled: "response.cancelled"
        case .failed: "response.failed"
        }
    }

    /// Whether the last item is whole.
    var isComplete: Bool { if case .completed = self { true } else { false } }
}

/// The object of a response, and its items.
extension ResponsesView: StorableView {
    /// The object of a response that has ended.
    /// - Throws: the error with which the generation failed; a client that waits for the response gets an HTTP error.
    package func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        let output = try ResponseOutput(events)
        var bytes: [UInt8] = []
        writeObject(
            status(output.completion), OutputItems(events).items, output.completion.timings, to: &bytes)
        return bytes
    }

    /// The object in the present state: without output while it runs, and with `error` if it failed.
    package func object(for events: [LogEvent], isQueued: Bool) -> [UInt8]? {
        var bytes: [UInt8] = []
        switch events.last {
        case .finished(let completion)?:
            writeObject(status(completion), OutputItems(events).items, completion.timings, to: &bytes)
        case .failed(let error)?:
            writeObject(.failed(APIError(error)), OutputItems(events).items, nil, to: &bytes)
        default: writeObject(isQueued ? .queued : .inProgress, [], nil, to: &bytes)
        }
        return bytes
    }

    /// Appends the object.
    /// - Parameter timings: the counts of tokens; nil while the response runs, and if it failed.
    func writeObject(
        _ status: ResponseStatus, _ items: [OutputItems.Item], _ timings: Timings?, to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: opening)
        JSONText.appendRaw(status.word, to: &bytes)
        JSONText.appendRaw("\",\"error\":", to: &bytes)
        if case .failed(let error) = status {
            let body: JSONValue = [
                "code": .string(error.kind == .rateLimited ? "rate_limit_exceeded" : "server_error"),
                "message": .string(error.message),
            ]
            body.write(to: &bytes)
        } else {
            JSONText.appendRaw("null", to: &bytes)
        }
        JSONText.appendRaw(",\"incomplete_details\":", to: &bytes)
        if case .incomplete = status {
            JSONText.appendRaw("{\"reason\":\"max_output_tokens\"}", to: &bytes)
        } else {
            JSONText.appendRaw("null", to: &bytes)
        }
        JSONText.appendRaw(",\"output\":[", to: &bytes)
        for (index, item) in items.enumerated() {
            if index > 0 { JSONText.appendRaw(",", to: &bytes) }
            let isCut = index == items.count - 1 && !status.isComplete
            write(item, at: index, isCut ? "incomplete" : "completed", to: &bytes)
        }
        JSONText.appendRaw("],\"usage\":", to: &bytes)
        if let timings { Self.writeUsage(timings, to: &bytes) } else { JSONText.appendRaw("null", to: &bytes) }
        bytes.append(contentsOf: echo)
    }

    /// Appends the counts of tokens. Cached tokens are part of `input_tokens`, and reasoning tokens of `output_tokens`.
    private static func writeUsage(_ timings: Timings, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"input_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.promptTokens, to: &bytes)
        JSONText.appendRaw(",\"input_tokens_details\":{\"cached_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.cachedTokens, to: &bytes)
        JSONText.appendRaw("},\"output_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.predictedTokens, to: &bytes)
        JSONText.appendRaw(",\"output_tokens_details\":{\"reasoning_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.reasoningTokens, to: &bytes)
        JSONText.appendRaw("},\"total_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.promptTokens + timings.predictedTokens, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }

    // MARK: Items

    /// The id of an item.
    func itemID(of kind: OutputItem.Kind, _ index: Int, isCustom: Bool) -> String {
        head.itemID(index, prefix: "\(idPrefix(of: kind, isCustom: isCustom))")
    }

    /// The beginning of an item's id, by which clients recognize its kind.
    func idPrefix(of kind: OutputItem.Kind, isCustom: Bool) -> StaticString {
        switch kind {
        case .reasoning: "rs_"
        case .text: compacts ? "cmp_" : "msg_"
        case .call: isCustom ? "ctc_" : "fc_"
        }
    }

    /// The name by which the client knows a called tool.
    func clientName(of item: OutputItems.Item) -> String {
        if case .member(let name, _)? = forms[item.name] { name } else { item.name }
    }

    /// The text of a custom tool's input; all arguments if they have another form.
    ///
    /// The arguments of an output that ended within the call are the beginning of an object. Its braces and names are no
    /// input, so `{"in` has the input "".
    static func input(of item: OutputItems.Item) -> String {
        let text = String(decoding: item.text, as: UTF8.self)
        if let whole = try? JSONParser.parse(item.text) { return whole["input"]?.stringValue ?? text }
        let isObject = item.text.first { $0 > 0x20 } == UInt8(ascii: "{")
        return PartialArguments.object(beginning: text)?["input"]?.stringValue ?? (isObject ? "" : text)
    }

    /// Appends an item.
    /// - Parameter isNew: whether the item has just begun, so that it has no content yet.
    func write(
        _ item: OutputItems.Item, at index: Int, _ status: StaticString, isNew: Bool = false, to bytes: inout [UInt8]
    ) {
        let isCustom = forms[item.name] == .custom
        JSONText.appendRaw("{\"id\":", to: &bytes)
        JSONText.appendString(itemID(of: item.kind, index, isCustom: isCustom), to: &bytes)
        switch item.kind {
        case .reasoning:
            JSONText.appendRaw(",\"type\":\"reasoning\",\"summary\":[],\"content\":[", to: &bytes)
            if !isNew { writePart(item, to: &bytes) }
            JSONText.appendRaw("]", to: &bytes)
            if sealsReasoning, !isNew {
                JSONText.appendRaw(",\"encrypted_content\":", to: &bytes)
                JSONText.appendString(SealedText.reasoning.seal(item.text), to: &bytes)
            }
        case .text where compacts:
            JSONText.appendRaw(",\"type\":\"compaction\",\"encrypted_content\":", to: &bytes)
            JSONText.appendString(isNew ? "" : SealedText.summary.seal(item.text), to: &bytes)
            return JSONText.appendRaw("}", to: &bytes)
        case .text:
            JSONText.appendRaw(",\"type\":\"message\",\"role\":\"assistant\",\"content\":[", to: &bytes)
            if !isNew { writePart(item, to: &bytes) }
            JSONText.appendRaw("]", to: &bytes)
        case .call(let call):
            JSONText.appendRaw(
                isCustom ? ",\"type\":\"custom_tool_call\",\"call_id\":" : ",\"type\":\"function_call\",\"call_id\":",
                to: &bytes)
            JSONText.appendString(head.callID(call), to: &bytes)
            JSONText.appendRaw(",\"name\":", to: &bytes)
            JSONText.appendString(clientName(of: item), to: &bytes)
            if case .member(_, let namespace)? = forms[item.name] {
                JSONText.appendRaw(",\"namespace\":", to: &bytes)
                JSONText.appendString(namespace, to: &bytes)
            }
            JSONText.appendRaw(isCustom ? ",\"input\":" : ",\"arguments\":", to: &bytes)
            JSONText.appendString(isCustom && !isNew ? Array(Self.input(of: item).utf8) : item.text, to: &bytes)
        }
        JSONText.appendRaw(",\"status\":\"", to: &bytes)
        JSONText.appendRaw(status, to: &bytes)
        JSONText.appendRaw("\"}", to: &bytes)
    }

    /// Appends the content part of a message or of reasoning.
    func writePart(_ item: OutputItems.Item, to bytes: inout [UInt8]) {
        guard item.kind == .text else {
            JSONText.appendRaw("{\"type\":\"reasoning_text\",\"text\":", to: &bytes)
            JSONText.appendString(item.text, to: &bytes)
            return JSONText.appendRaw("}", to: &bytes)
        }
        JSONText.appendRaw("{\"type\":\"output_text\",\"text\":", to: &bytes)
        JSONText.appendString(item.text, to: &bytes)
        JSONText.appendRaw(",\"annotations\":[],\"logprobs\":", to: &bytes)
        probabilities.writeEntries(item.probabilities, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }
}

/// The members of a response that repeat fields of its request.
enum ResponseEcho {
    /// The members from a comma on, and the end of the object.
    /// - Parameter sampling: the values of the completion, which are the model's defaults where the request has none.
    static func bytes(of body: JSONValue, head: ResponseHead, sampling: SamplingParameters) -> [UInt8] {
        // The shortest text of a 32-bit number: 0.8 instead of 0.800000011920929.
        func number(_ name: String, _ value: Float) -> JSONValue {
            if let own = body[name], own.doubleValue != nil { return own }
            return .number(Double(value.description) ?? Double(value))
        }
        var members: JSONObject = [
            "background": body["background"] ?? false, "instructions": body["instructions"] ?? .null,
            "max_output_tokens": body["max_output_tokens"] ?? .null, "max_tool_calls": body["max_tool_calls"] ?? .null,
            "metadata": body["metadata"] ?? [:], "parallel_tool_calls": body["parallel_tool_calls"] ?? true,
            "previous_response_id": body["previous_response_id"] ?? .null,
            "reasoning": [
                "effort": body["reasoning"]?["effort"] ?? .null, "summary": body["reasoning"]?["summary"] ?? .null,
            ],
            "service_tier": "default", "store": body["store"] ?? true,
            "temperature": number("temperature", sampling.temperature),
            "text": [
                "format": body["text"]?["format"] ?? ["type": "text"],
                "verbosity": body["text"]?["verbosity"] ?? "medium",
            ],
            "tool_choice": body["tool_choice"] ?? "auto", "tools": body["tools"] ?? [],
            "top_logprobs": body["top_logprobs"] ?? 0, "top_p": number("top_p", sampling.topP),
            "truncation": body["truncation"] ?? "disabled",
        ]
        if let id = try? ConversationBodies.id(in: body) {
            members["conversation"] = ["id": .string(ConversationBodies.idPrefix + id)]
        }
        for name in ["user", "safety_identifier", "prompt_cache_key"] where body[name] != nil {
            members[name] = body[name]
        }
        if !head.warnings.isEmpty { members["warnings"] = .array(head.warnings.map { .string($0) }) }
        var bytes: [UInt8] = []
        JSONValue.object(members).write(to: &bytes)
        // The object's own brace is replaced by a comma.
        bytes[0] = UInt8(ascii: ",")
        return bytes
    }
}
