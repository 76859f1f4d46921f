package import MartletGenerations
package import MartletJSON
import MartletProtocol
package import MartletStreams
import MartletText
import OrderedCollections

/// A generation as OpenAI's response: the events of a stream, or one object.
///
/// The items of the output are those of the log: reasoning, message, call. Every event of the stream has its number in
/// `sequence_number`, from 0 without a gap; a client resumes behind such a number.
package struct ResponsesView: FoldingView, ResponseView {
    let head: ResponseHead
    let probabilities: ProbabilityWriter
    private let options: CompletionOptions
    /// The object up to its status.
    let opening: [UInt8]
    /// The members that repeat fields of the request, and the end of the object.
    let echo: [UInt8]
    /// The forms of tools that are no plain functions.
    let forms: [ExactString: ResponseTools.Form]
    /// Whether reasoning also has the form that clients send back.
    let sealsReasoning: Bool
    /// Whether the text of the output is a summary, which is an item of its own kind.
    let compacts: Bool
    /// Whether the request asks for no output, so that a limit of 0 tokens completes it.
    private let isWarmUp: Bool

    /// Makes the view of a response.
    /// - Parameter body: the request, whose fields the response repeats.
    package init(head: ResponseHead, options: CompletionOptions, body: JSONValue) {
        self.head = head
        self.options = options
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        forms = ResponseTools.forms(of: body)
        isWarmUp = ResponsesRequest.isWarmUp(body)
        compacts = Compaction.isRequested(body)
        sealsReasoning = body["include"]?.arrayValue?.contains("reasoning.encrypted_content") ?? false
        var opening: [UInt8] = []
        JSONText.appendRaw("{\"id\":", to: &opening)
        JSONText.appendString(head.id, to: &opening)
        JSONText.appendRaw(",\"object\":\"response\",\"created_at\":", to: &opening)
        JSONText.appendInteger(head.created, to: &opening)
        JSONText.appendRaw(",\"model\":", to: &opening)
        JSONText.appendString(head.model, to: &opening)
        JSONText.appendRaw(",\"status\":\"", to: &opening)
        self.opening = opening
        echo = ResponseEcho.bytes(of: body, head: head, sampling: options.parameters.sampling)
    }

    /// The status of a generation that has ended without an error.
    func status(_ completion: GenerationSummary) -> ResponseStatus {
        isWarmUp && completion.reason == .tokenLimit ? .completed : ResponseStatus(completion)
    }

    package var messages: RealtimeEventView {
        RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
    }

    // MARK: The stream

    /// - Complexity: O(length of the event's text); the end of an item is O(length of the item), and the end of the
    ///   response is O(length of the output).
    package func encode(
        _ event: LogEvent, number: Int, state: inout ViewState, history: LogHistory, into bytes: inout [UInt8]
    ) {
        switch event {
        case .admitted: begin(&state, &bytes)
        case .text(let channel, _, let text):
            guard !text.isEmpty, channel != .delimiter else { return }
            change(event, number, &state, history, &bytes)
            writeDelta(text, nil, &state, &bytes)
        case .detailedText(let channel, _, let text, let details):
            guard !text.isEmpty, channel != .delimiter else { return }
            change(event, number, &state, history, &bytes)
            writeDelta(text, details, &state, &bytes)
        case .call(_, let name): change(event, number, &state, history, &bytes, name: name)
        case .arguments(_, _, let text):
            // The text of a custom tool's input follows as a whole.
            guard !text.isEmpty, !state.isMarked else { return }
            writeDelta(text, nil, &state, &bytes)
        case .finished(let completion):
            begin(&state, &bytes)
            let end = status(completion)
            change(event, number, &state, history, &bytes, end: end)
            Self.open(end.eventName, &state, &bytes)
            JSONText.appendRaw(",\"response\":", to: &bytes)
            writeObject(end, OutputItems(history.events(from: 0)).items, completion.timings, to: &bytes)
            if options.responseFields.timingsPerToken {
                JSONText.appendRaw(",", to: &bytes)
                Accounting.writeTimings(of: completion, showsCachedText: options.showsCachedText, to: &bytes)
            }
            Self.close(&bytes)
        case .failed(let error):
            begin(&state, &bytes)
            let end = ResponseStatus.failed(APIError(error))
            change(event, number, &state, history, &bytes, end: end)
            Self.open(end.eventName, &state, &bytes)
            JSONText.appendRaw(",\"response\":", to: &bytes)
            writeObject(end, OutputItems(history.events(from: 0)).items, nil, to: &bytes)
            Self.close(&bytes)
        case .ping: SharedStreamEvents.appendPing(to: &bytes)
        case .promptProgress(let progress):
            if let wait = progress.wait { return SharedStreamEvents.appendComment(wait, to: &bytes) }
            // llama-server's form: another event of this name, beside the response that its type has.
            Self.open("response.in_progress", &state, &bytes)
            JSONText.appendRaw(",\"response\":", to: &bytes)
            writeObject(.inProgress, [], nil, to: &bytes)
            options.writeProgress(progress, to: &bytes)
            Self.close(&bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .handedOver: SharedStreamEvents.appendHandoverTrace(head.id, number: number, to: &bytes)
        case .started, .promptTokens, .warning, .choice, .ended: break
        }
    }

    /// Appends the last event for a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        SharedStreamEvents.appendHandover(head.id, number: number, to: &bytes)
    }

    /// Appends the beginning of an event: its name, twice, and its number.
    static func open(_ name: StaticString, _ state: inout ViewState, _ bytes: inout [UInt8]) {
        JSONText.appendRaw("event: ", to: &bytes)
        JSONText.appendRaw(name, to: &bytes)
        JSONText.appendRaw("\ndata: {\"type\":\"", to: &bytes)
        JSONText.appendRaw(name, to: &bytes)
        JSONText.appendRaw("\",\"sequence_number\":", to: &bytes)
        JSONText.appendInteger(state.partCount, to: &bytes)
        state.partCount += 1
    }

    /// Appends the end of an event.
    static func close(_ bytes: inout [UInt8]) { JSONText.appendRaw("}\n\n", to: &bytes) }

    /// Appends `response.created` and `response.in_progress`, once.
    private func begin(_ state: inout ViewState, _ bytes: inout [UInt8]) {
        guard !state.hasBegun else { return }
        state.hasBegun = true
        for name in ["response.created", "response.in_progress"] as [StaticString] {
            Self.open(name, &state, &bytes)
            JSONText.appendRaw(",\"response\":", to: &bytes)
            writeObject(.inProgress, [], nil, to: &bytes)
            Self.close(&bytes)
        }
    }

    /// Applies an event to the items: appends the end of the open item and the beginning of the next one.
    /// - Parameter end: the end of the response; nil before it.
    private func change(
        _ event: LogEvent, _ number: Int, _ state: inout ViewState, _ history: LogHistory, _ bytes: inout [UInt8],
        name: String = "", end: ResponseStatus? = nil
    ) {
        let change = state.apply(event, number: number)
        if let ended = change.ended {
            let items = OutputItems(streamed: history.events(from: ended.firstEvent, before: number)).items
            if let item = items.first {
                writeEnd(of: item, at: ended.index, isComplete: end?.isComplete ?? true, &state, &bytes)
            }
            state.isMarked = false
        }
        guard let begun = change.begun else { return }
        state.isMarked = forms[name] == .custom
        let item = OutputItems.Item(kind: begun.kind, name: name)
        Self.open("response.output_item.added", &state, &bytes)
        Self.writeIndex(begun.index, &bytes)
        JSONText.appendRaw(",\"item\":", to: &bytes)
        write(item, at: begun.index, "in_progress", isNew: true, to: &bytes)
        Self.close(&bytes)
        guard begun.kind == .reasoning || begun.kind == .text else { return }
        if compacts, begun.kind == .text {
            Self.open("response.compaction.compacting", &state, &bytes)
            JSONText.appendRaw(",\"item_id\":", to: &bytes)
            head.writeItemID(begun.index, prefix: idPrefix(of: .text, isCustom: false), to: &bytes)
            Self.writeIndex(begun.index, &bytes)
            return Self.close(&bytes)
        }
        openItem("response.content_part.added", of: begun.kind, begun.index, &state, &bytes)
        JSONText.appendRaw(",\"part\":", to: &bytes)
        writePart(item, to: &bytes)
        Self.close(&bytes)
    }

    /// Appends the beginning of an event about an item: its name, number, item and part.
    private func openItem(
        _ name: StaticString, of kind: OutputItem.Kind, _ index: Int, _ state: inout ViewState, _ bytes: inout [UInt8]
    ) {
        Self.open(name, &state, &bytes)
        JSONText.appendRaw(",\"item_id\":", to: &bytes)
        head.writeItemID(index, prefix: idPrefix(of: kind, isCustom: state.isMarked), to: &bytes)
        Self.writeIndex(index, &bytes)
        if kind == .reasoning || kind == .text { JSONText.appendRaw(",\"content_index\":0", to: &bytes) }
    }

    /// Appends the member `output_index`.
    /// - Parameter index: the number of the item, from 0.
    private static func writeIndex(_ index: Int, _ bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"output_index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
    }

    /// Appends more text of the open item.
    /// - Parameter details: logprobs and timings; nil = the text has none.
    private func writeDelta(
        _ text: ArraySlice<UInt8>, _ details: TokenDetails?, _ state: inout ViewState, _ bytes: inout [UInt8]
    ) {
        // A summary is one text, which only its server reads.
        guard let item = state.item, !(compacts && item.kind == .text) else { return }
        let name: StaticString =
            switch item.kind {
            case .reasoning: "response.reasoning_text.delta"
            case .text: "response.output_text.delta"
            case .call: "response.function_call_arguments.delta"
            }
        openItem(name, of: item.kind, item.index, &state, &bytes)
        JSONText.appendRaw(",\"delta\":\"", to: &bytes)
        JSONText.appendEscaped(text, to: &bytes)
        JSONText.appendRaw("\"", to: &bytes)
        if item.kind == .text {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.writeEntries(details?.probabilities ?? [], to: &bytes)
        }
        options.writeTimings(details?.tokenTimings, to: &bytes)
        Self.close(&bytes)
    }

    /// Appends the events that repeat an item at its end.
    private func writeEnd(
        of item: OutputItems.Item, at index: Int, isComplete: Bool, _ state: inout ViewState, _ bytes: inout [UInt8]
    ) {
        switch item.kind {
        case .text where compacts: break
        case .reasoning, .text:
            openItem(
                item.kind == .text ? "response.output_text.done" : "response.reasoning_text.done", of: item.kind, index,
                &state, &bytes)
            JSONText.appendRaw(",\"text\":", to: &bytes)
            JSONText.appendString(item.text, to: &bytes)
            if item.kind == .text {
                JSONText.appendRaw(",\"logprobs\":", to: &bytes)
                probabilities.writeEntries(item.probabilities, to: &bytes)
            }
            Self.close(&bytes)
            openItem("response.content_part.done", of: item.kind, index, &state, &bytes)
            JSONText.appendRaw(",\"part\":", to: &bytes)
            writePart(item, to: &bytes)
            Self.close(&bytes)
        case .call where state.isMarked:
            let input = Self.input(of: item)
            for (name, member) in [
                ("response.custom_tool_call_input.delta", ",\"delta\":"),
                ("response.custom_tool_call_input.done", ",\"input\":"),
            ] as [(StaticString, StaticString)] {
                openItem(name, of: item.kind, index, &state, &bytes)
                JSONText.appendRaw(member, to: &bytes)
                JSONText.appendString(input, to: &bytes)
                Self.close(&bytes)
            }
        case .call:
            openItem("response.function_call_arguments.done", of: item.kind, index, &state, &bytes)
            JSONText.appendRaw(",\"name\":", to: &bytes)
            JSONText.appendString(clientName(of: item), to: &bytes)
            JSONText.appendRaw(",\"arguments\":", to: &bytes)
            JSONText.appendString(item.text, to: &bytes)
            Self.close(&bytes)
        }
        Self.open("response.output_item.done", &state, &bytes)
        Self.writeIndex(index, &bytes)
        JSONText.appendRaw(",\"item\":", to: &bytes)
        write(item, at: index, isComplete ? "completed" : "incomplete", to: &bytes)
        Self.close(&bytes)
    }
}
