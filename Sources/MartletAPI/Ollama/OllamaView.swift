package import MartletGenerations
import MartletJSON
import MartletProtocol
package import MartletStreams
import OrderedCollections

/// A generation as Ollama writes it: one JSON object per line, the last one with `done: true` and the durations.
///
/// A tool call is one line when its arguments are complete; the view is therefore a fold of the log.
package struct OllamaView: ResponseView, FoldingView {
    /// The member that has the text.
    package enum Form: Sendable {
        /// `message` of `/api/chat`.
        case chat
        /// `response` of `/api/generate`.
        case generate
    }

    /// Its time of admission is that of every line, so that a replay has the same bytes.
    private let head: ResponseHead
    /// The member that has the text, which depends on the route.
    private let form: Form
    /// Whether each line is a server-sent event, as `/v1/generations/{id}/events` needs it.
    private var isEventStream = false
    /// From the beginning of a line to the first member with text.
    private let opening: [UInt8]
    /// The messages of a WebSocket.
    package let messages: RealtimeEventView

    /// Makes the view of a response.
    ///
    /// - Parameter options: the options that the messages of a WebSocket depend on; lines of JSON depend on none.
    package init(head: ResponseHead, options: CompletionOptions, form: Form) {
        self.head = head
        self.form = form
        messages = RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
        var opening = Array("{\"model\":".utf8)
        JSONText.appendString(head.model, to: &opening)
        opening += Array(",\"created_at\":\"\(OllamaTime.text(head.created))\",".utf8)
        self.opening = opening
    }

    /// The media type of lines of JSON, as Ollama's server names it.
    package var streamType: String { "application/x-ndjson" }

    /// The same objects as server-sent events, for readers that resume by event.
    package var eventStream: any StreamView {
        var view = self
        view.isEventStream = true
        return view
    }

    /// Appends a ping that is not in the log. All other events need the state of the fold.
    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        // Lines of JSON have no comments, so a ping that is not in the log has no bytes.
        if isEventStream, case .ping = event { ServerSentEvents.appendPing(to: &bytes) }
    }

    /// Appends the line of an event, after the line of a tool call that the event has ended.
    ///
    /// Example: the call's arguments arrive with several events, and the next text, call or end shows that they are
    /// complete.
    /// - Complexity: O(length of the event's text); the end of a call is O(length of its arguments).
    package func encode(
        _ event: LogEvent, number: Int, state: inout ViewState, history: LogHistory, into bytes: inout [UInt8]
    ) {
        let change = state.apply(event, number: number)
        if let ended = change.ended, case .call = ended.kind {
            let events = history.events(from: ended.firstEvent, before: number)
            let item = OutputItems(events).items.first { $0.kind == ended.kind }
            line(to: &bytes) { bytes in
                writeMessage(to: &bytes) { bytes in
                    JSONText.appendRaw(",\"tool_calls\":[", to: &bytes)
                    Self.write(name: item?.name ?? "", arguments: item?.text ?? [], to: &bytes)
                    JSONText.appendRaw("]", to: &bytes)
                }
                JSONText.appendRaw(",\"done\":false", to: &bytes)
            }
        }
        switch event {
        case .text(let channel, _, let text), .detailedText(let channel, _, let text, _):
            guard !text.isEmpty, channel != .delimiter else { return }
            line(to: &bytes) { bytes in
                writeText(channel, text, to: &bytes)
                JSONText.appendRaw(",\"done\":false", to: &bytes)
            }
        case .warning(let text):
            line(to: &bytes) { bytes in
                writeText(.content, [], to: &bytes)
                JSONText.appendRaw(",\"done\":false,\"warnings\":[", to: &bytes)
                JSONText.appendString(text, to: &bytes)
                JSONText.appendRaw("]", to: &bytes)
            }
        case .finished(let completion):
            line(to: &bytes) { bytes in
                writeText(.content, [], to: &bytes)
                writeEnd(completion, warnings: head.warnings, to: &bytes)
            }
        case .failed(let error): writeError(APIError(error).error.message, to: &bytes)
        case .ping: if isEventStream { ServerSentEvents.appendPing(to: &bytes) }
        case .promptProgress(let progress):
            guard let wait = progress.wait else { return }
            line(to: &bytes) { bytes in
                writeText(.content, [], to: &bytes)
                JSONText.appendRaw(",\"done\":false,", to: &bytes)
                Accounting.writeWait(wait, to: &bytes)
            }
        case .handedOver: writeHandoverTrace(to: &bytes)
        case .call, .arguments, .admitted, .started, .promptTokens, .controlled, .choice, .ended: break
        }
    }

    /// Appends the error of a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        writeError(
            "The server restarts and continues this generation; the rest is at /v1/generations/\(head.id)/events",
            to: &bytes)
    }

    /// Appends blanks with as many bytes as `encodeHandover` appends. They precede the next line's object.
    private func writeHandoverTrace(to bytes: inout [UInt8]) {
        var handover: [UInt8] = []
        encodeHandover(number: 0, into: &handover)
        if isEventStream {
            ServerSentEvents.appendComment(byteCount: handover.count, to: &bytes)
        } else {
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: handover.count))
        }
    }

    /// Appends the line with which a stream ends when its generation has failed.
    private func writeError(_ message: String, to bytes: inout [UInt8]) {
        if isEventStream { JSONText.appendRaw("data: ", to: &bytes) }
        bytes += OllamaBodies.error(message)
        JSONText.appendRaw(isEventStream ? "\n\n" : "\n", to: &bytes)
    }

    /// Appends one line.
    ///
    /// - Parameter write: appends the members behind model and time, without a comma before the first.
    private func line(to bytes: inout [UInt8], _ write: (inout [UInt8]) -> Void) {
        if isEventStream { JSONText.appendRaw("data: ", to: &bytes) }
        bytes.append(contentsOf: opening)
        write(&bytes)
        JSONText.appendRaw(isEventStream ? "}\n\n" : "}\n", to: &bytes)
    }

    /// Appends the member with a text of one channel. Reasoning is in `thinking`, beside an empty text, because
    /// clients join the texts of all lines.
    private func writeText(_ channel: OutputChannel, _ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        let isReasoning = channel == .reasoning
        switch form {
        case .chat: JSONText.appendRaw("\"message\":{\"role\":\"assistant\",\"content\":\"", to: &bytes)
        case .generate: JSONText.appendRaw("\"response\":\"", to: &bytes)
        }
        if !isReasoning { JSONText.appendEscaped(text, to: &bytes) }
        JSONText.appendRaw("\"", to: &bytes)
        if isReasoning {
            JSONText.appendRaw(",\"thinking\":\"", to: &bytes)
            JSONText.appendEscaped(text, to: &bytes)
            JSONText.appendRaw("\"", to: &bytes)
        }
        if form == .chat { JSONText.appendRaw("}", to: &bytes) }
    }

    /// Appends an empty message with further members.
    private func writeMessage(to bytes: inout [UInt8], _ members: (inout [UInt8]) -> Void) {
        JSONText.appendRaw(
            form == .chat ? "\"message\":{\"role\":\"assistant\",\"content\":\"\"" : "\"response\":\"\"", to: &bytes)
        members(&bytes)
        if form == .chat { JSONText.appendRaw("}", to: &bytes) }
    }

    /// Appends a tool call. Arguments that are no complete object, because the output was cut off, are an empty one.
    private static func write(name: String, arguments: [UInt8], to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"function\":{\"name\":", to: &bytes)
        JSONText.appendString(name, to: &bytes)
        JSONText.appendRaw(",\"arguments\":", to: &bytes)
        let parsed = try? JSONParser.parse(arguments)
        (parsed?.objectValue == nil ? [:] : parsed ?? [:]).write(to: &bytes)
        JSONText.appendRaw("}}", to: &bytes)
    }

    /// Appends the members of the end. Durations are nanoseconds.
    ///
    /// `load_duration` is 0: the time of a load belongs to no single request. `eval_count` includes the token that ended
    /// the output, as at llama-server.
    private func writeEnd(_ completion: GenerationSummary, warnings: [String], to bytes: inout [UInt8]) {
        let timings = completion.timings
        JSONText.appendRaw(",\"done_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason.finishReason, to: &bytes)
        JSONText.appendRaw("\",\"done\":true,\"total_duration\":", to: &bytes)
        JSONText.appendInteger(
            OllamaTime.nanoseconds(timings.queueTime + timings.promptTime + timings.predictedTime), to: &bytes)
        JSONText.appendRaw(",\"load_duration\":0,\"prompt_eval_count\":", to: &bytes)
        JSONText.appendInteger(timings.promptTokens, to: &bytes)
        JSONText.appendRaw(",\"prompt_eval_duration\":", to: &bytes)
        JSONText.appendInteger(OllamaTime.nanoseconds(timings.promptTime), to: &bytes)
        JSONText.appendRaw(",\"eval_count\":", to: &bytes)
        JSONText.appendInteger(timings.predictedTokens, to: &bytes)
        JSONText.appendRaw(",\"eval_duration\":", to: &bytes)
        JSONText.appendInteger(OllamaTime.nanoseconds(timings.predictedTime), to: &bytes)
        guard !warnings.isEmpty else { return }
        JSONText.appendRaw(",\"warnings\":", to: &bytes)
        JSONValue.array(warnings.map { .string($0) }).write(to: &bytes)
    }

    /// One object with the whole text: the last line of a stream, with the texts of all lines.
    ///
    /// - Complexity: O(events and bytes of text).
    package func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        let output = try ResponseOutput(events)
        guard let choice = output.choices.first else { throw GenerationError(.failed, "The generation has no output") }
        var bytes = opening
        JSONText.appendRaw(
            form == .chat ? "\"message\":{\"role\":\"assistant\",\"content\":" : "\"response\":", to: &bytes)
        JSONText.appendString(choice.content, to: &bytes)
        if !choice.reasoning.isEmpty {
            JSONText.appendRaw(",\"thinking\":", to: &bytes)
            JSONText.appendString(choice.reasoning, to: &bytes)
        }
        if !choice.calls.isEmpty {
            JSONText.appendRaw(",\"tool_calls\":[", to: &bytes)
            for (index, call) in choice.calls.enumerated() {
                if index > 0 { JSONText.appendRaw(",", to: &bytes) }
                Self.write(name: call.name, arguments: call.arguments, to: &bytes)
            }
            JSONText.appendRaw("]", to: &bytes)
        }
        if form == .chat { JSONText.appendRaw("}", to: &bytes) }
        writeEnd(output.completion, warnings: head.warnings + choice.warnings, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }
}
