package import MartletGenerations
import MartletJSON
import MartletProtocol
package import MartletStreams
import OrderedCollections

/// A generation as Anthropic's message: the events of a stream, or one object.
///
/// The order of the events is Anthropic's: `message_start`; for each block `content_block_start`, deltas,
/// `content_block_stop`; `message_delta`; `message_stop`. The blocks are the items of the output, so the stream has the
/// blocks of the whole message.
package struct MessagesView: FoldingView, ResponseView {
    private let head: ResponseHead
    private let options: CompletionOptions

    /// Makes the view of a response.
    package init(head: ResponseHead, options: CompletionOptions) {
        self.head = head
        self.options = options
    }

    package var messages: RealtimeEventView {
        RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
    }

    // MARK: The stream

    /// - Complexity: O(length of the event's text); the end of a thinking block is O(length of the block).
    package func encode(
        _ event: LogEvent, number: Int, state: inout ViewState, history: LogHistory, into bytes: inout [UInt8]
    ) {
        switch event {
        case .admitted(let promptTokens): begin(promptTokens, &state, &bytes)
        case .text(let channel, _, let text), .detailedText(let channel, _, let text, _):
            guard !text.isEmpty, channel != .delimiter else { return }
            change(event, number, &state, history, &bytes)
            writeDelta(of: channel == .reasoning ? .reasoning : .text, text, state, &bytes)
        case .call(_, let name):
            change(event, number, &state, history, &bytes, name: name)
        case .arguments(let call, _, let text):
            guard !text.isEmpty else { return }
            writeDelta(of: .call(call), text, state, &bytes)
        case .finished(let completion):
            begin(completion.timings.promptTokens, &state, &bytes)
            change(event, number, &state, history, &bytes)
            writeEnd(completion, &bytes)
        case .failed(let error):
            change(event, number, &state, history, &bytes)
            Self.open("error", &bytes)
            MessagesErrors.body(of: APIError(error)).write(to: &bytes)
            JSONText.appendRaw("\n\n", to: &bytes)
        case .promptProgress(let progress) where progress.wait != nil:
            if let wait = progress.wait { SharedStreamEvents.appendComment(wait, to: &bytes) }
        case .ping, .promptProgress:
            // Nothing comes before message_start, so an early sign of life is a comment.
            guard state.hasBegun else { return SharedStreamEvents.appendPing(to: &bytes) }
            JSONText.appendRaw("event: ping\ndata: {\"type\":\"ping\"}\n\n", to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .handedOver: SharedStreamEvents.appendHandoverTrace(head.id, number: number, to: &bytes)
        case .started, .promptTokens, .warning, .choice, .ended: break
        }
    }

    /// Appends the last event for a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        SharedStreamEvents.appendHandover(head.id, number: number, to: &bytes)
    }

    /// Appends `event: …` and the beginning of the data line.
    private static func open(_ name: StaticString, _ bytes: inout [UInt8]) {
        JSONText.appendRaw("event: ", to: &bytes)
        JSONText.appendRaw(name, to: &bytes)
        JSONText.appendRaw("\ndata: ", to: &bytes)
    }

    /// Appends `message_start`, once.
    private func begin(_ promptTokens: Int, _ state: inout ViewState, _ bytes: inout [UInt8]) {
        guard !state.hasBegun else { return }
        state.hasBegun = true
        Self.open("message_start", &bytes)
        JSONText.appendRaw("{\"type\":\"message_start\",\"message\":{", to: &bytes)
        writeHead(&bytes)
        JSONText.appendRaw("\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,", to: &bytes)
        head.writeWarnings(separated: false, to: &bytes)
        Self.writeUsage(promptTokens: promptTokens, cachedTokens: 0, outputTokens: 0, &bytes)
        JSONText.appendRaw("}}\n\n", to: &bytes)
    }

    /// Applies an event to the blocks: appends the end of the open block and the beginning of the next one.
    private func change(
        _ event: LogEvent, _ number: Int, _ state: inout ViewState, _ history: LogHistory, _ bytes: inout [UInt8],
        name: String = ""
    ) {
        let change = state.apply(event, number: number)
        if let ended = change.ended { writeEnd(of: ended, before: number, history, &bytes) }
        guard let begun = change.begun else { return }
        Self.open("content_block_start", &bytes)
        JSONText.appendRaw("{\"type\":\"content_block_start\",\"index\":", to: &bytes)
        JSONText.appendInteger(begun.index, to: &bytes)
        JSONText.appendRaw(",\"content_block\":", to: &bytes)
        switch begun.kind {
        case .reasoning: JSONText.appendRaw("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}", to: &bytes)
        case .text: JSONText.appendRaw("{\"type\":\"text\",\"text\":\"\"}", to: &bytes)
        case .call(let call):
            writeCallHead(call, name, &bytes)
            JSONText.appendRaw("{}}", to: &bytes)
        }
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends the end of a block; the signature of thinking comes before it.
    private func writeEnd(of item: OutputItem, before number: Int, _ history: LogHistory, _ bytes: inout [UInt8]) {
        if item.kind == .reasoning {
            Self.openDelta(item.index, &bytes)
            JSONText.appendRaw("{\"type\":\"signature_delta\",\"signature\":\"", to: &bytes)
            let items = OutputItems(streamed: history.events(from: item.firstEvent, before: number)).items
            bytes.append(contentsOf: ThinkingSignature.sign(items.first?.text ?? []).utf8)
            JSONText.appendRaw("\"}}\n\n", to: &bytes)
        }
        Self.open("content_block_stop", &bytes)
        JSONText.appendRaw("{\"type\":\"content_block_stop\",\"index\":", to: &bytes)
        JSONText.appendInteger(item.index, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends the beginning of a `content_block_delta`, up to its delta.
    private static func openDelta(_ index: Int, _ bytes: inout [UInt8]) {
        open("content_block_delta", &bytes)
        JSONText.appendRaw("{\"type\":\"content_block_delta\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"delta\":", to: &bytes)
    }

    /// Appends a delta of the open block.
    private func writeDelta(
        of kind: OutputItem.Kind, _ text: ArraySlice<UInt8>, _ state: ViewState, _ bytes: inout [UInt8]
    ) {
        guard let item = state.item else { return }
        Self.openDelta(item.index, &bytes)
        switch kind {
        case .reasoning: JSONText.appendRaw("{\"type\":\"thinking_delta\",\"thinking\":\"", to: &bytes)
        case .text: JSONText.appendRaw("{\"type\":\"text_delta\",\"text\":\"", to: &bytes)
        case .call: JSONText.appendRaw("{\"type\":\"input_json_delta\",\"partial_json\":\"", to: &bytes)
        }
        JSONText.appendEscaped(text, to: &bytes)
        JSONText.appendRaw("\"}}\n\n", to: &bytes)
    }

    /// Appends `message_delta` and `message_stop`.
    private func writeEnd(_ completion: GenerationSummary, _ bytes: inout [UInt8]) {
        Self.open("message_delta", &bytes)
        JSONText.appendRaw("{\"type\":\"message_delta\",\"delta\":{", to: &bytes)
        Self.writeStop(completion, &bytes)
        JSONText.appendRaw("},", to: &bytes)
        Self.writeUsage(completion.timings, &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
        Self.open("message_stop", &bytes)
        JSONText.appendRaw("{\"type\":\"message_stop\"}\n\n", to: &bytes)
    }

    // MARK: The whole message

    /// The whole message.
    package func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        let output = try ResponseOutput(events)
        var bytes: [UInt8] = []
        JSONText.appendRaw("{", to: &bytes)
        writeHead(&bytes)
        JSONText.appendRaw("\"content\":[", to: &bytes)
        for (index, item) in OutputItems(events).items.enumerated() {
            if index > 0 { JSONText.appendRaw(",", to: &bytes) }
            write(item, &bytes)
        }
        JSONText.appendRaw("],", to: &bytes)
        Self.writeStop(output.completion, &bytes)
        JSONText.appendRaw(",", to: &bytes)
        head.writeWarnings(output.choices.flatMap(\.warnings), separated: false, to: &bytes)
        Self.writeUsage(output.completion.timings, &bytes)
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }

    /// Appends a block with its content.
    private func write(_ item: OutputItems.Item, _ bytes: inout [UInt8]) {
        switch item.kind {
        case .reasoning:
            JSONText.appendRaw("{\"type\":\"thinking\",\"thinking\":", to: &bytes)
            JSONText.appendString(item.text, to: &bytes)
            JSONText.appendRaw(",\"signature\":\"", to: &bytes)
            bytes.append(contentsOf: ThinkingSignature.sign(item.text).utf8)
            JSONText.appendRaw("\"}", to: &bytes)
        case .text:
            JSONText.appendRaw("{\"type\":\"text\",\"text\":", to: &bytes)
            JSONText.appendString(item.text, to: &bytes)
            JSONText.appendRaw("}", to: &bytes)
        case .call(let call):
            writeCallHead(call, item.name, &bytes)
            // The arguments of a call that was cut off are their certain part.
            let text = String(decoding: item.text, as: UTF8.self)
            let whole = (try? JSONParser.parse(item.text)).flatMap { $0.objectValue == nil ? nil : $0 }
            (whole ?? PartialArguments.object(beginning: text) ?? [:]).write(to: &bytes)
            JSONText.appendRaw("}", to: &bytes)
        }
    }

    // MARK: Members

    /// Appends the members of a message before its content.
    private func writeHead(_ bytes: inout [UInt8]) {
        JSONText.appendRaw("\"id\":", to: &bytes)
        JSONText.appendString(head.id, to: &bytes)
        JSONText.appendRaw(",\"type\":\"message\",\"role\":\"assistant\",\"model\":", to: &bytes)
        JSONText.appendString(head.model, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
    }

    /// Appends the beginning of a `tool_use` block, up to its input.
    private func writeCallHead(_ call: Int, _ name: String, _ bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"type\":\"tool_use\",\"id\":", to: &bytes)
        JSONText.appendString(head.callID(call, prefix: "toolu_"), to: &bytes)
        JSONText.appendRaw(",\"name\":", to: &bytes)
        JSONText.appendString(name, to: &bytes)
        JSONText.appendRaw(",\"input\":", to: &bytes)
    }

    /// Appends `stop_reason` and `stop_sequence`, the second `null` unless a stop sequence ended the output.
    private static func writeStop(_ completion: GenerationSummary, _ bytes: inout [UInt8]) {
        JSONText.appendRaw("\"stop_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.stopReason, to: &bytes)
        JSONText.appendRaw("\",\"stop_sequence\":", to: &bytes)
        if case .stopText(let text) = completion.reason, !completion.endsInToolCalls {
            JSONText.appendString(text, to: &bytes)
        } else {
            JSONText.appendRaw("null", to: &bytes)
        }
    }

    /// Appends the counts of a generation that has ended.
    private static func writeUsage(_ timings: Timings, _ bytes: inout [UInt8]) {
        writeUsage(
            promptTokens: timings.promptTokens, cachedTokens: timings.cachedTokens,
            outputTokens: timings.predictedTokens, &bytes)
    }

    /// Appends `"usage":{…}`. Anthropic counts cached tokens apart from `input_tokens`.
    private static func writeUsage(
        promptTokens: Int, cachedTokens: Int, outputTokens: Int, _ bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("\"usage\":{\"input_tokens\":", to: &bytes)
        JSONText.appendInteger(promptTokens - cachedTokens, to: &bytes)
        JSONText.appendRaw(",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":", to: &bytes)
        JSONText.appendInteger(cachedTokens, to: &bytes)
        JSONText.appendRaw(",\"output_tokens\":", to: &bytes)
        JSONText.appendInteger(outputTokens, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }
}

extension GenerationSummary {
    /// Anthropic's `stop_reason`. A limit takes precedence over a tool call at the end of the output.
    fileprivate var stopReason: StaticString {
        switch reason {
        case .endOfGeneration where endsInToolCalls, .stopText where endsInToolCalls: "tool_use"
        case .stopText: "stop_sequence"
        case .endOfGeneration, .stopped, .cancelled: "end_turn"
        case .tokenLimit, .timeLimit, .indentation: "max_tokens"
        case .contextFull: "model_context_window_exceeded"
        }
    }
}
