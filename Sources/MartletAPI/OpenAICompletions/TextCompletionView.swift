package import MartletGenerations
import MartletJSON
import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's text completion: chunks of a stream, or one object.
package struct TextCompletionView: StreamView {
    private let head: ResponseHead
    private let options: CompletionOptions
    /// The prompt before the output; empty if the log has the prompt's tokens.
    private let echo: String
    /// From the end of a choice to the end of the event.
    private let suffix: [UInt8]
    private let probabilities: ProbabilityWriter
    /// Encodes `__verbose`.
    private let llamaServerObject: LlamaServerObject
    /// The number of the choice that this view encodes.
    private let index: Int
    /// The views of the other choices, in the view of choice 0.
    private var others: [TextCompletionView] = []

    /// - Parameters:
    ///   - prompts: the texts of the prompts; at least one. Each has `options.choiceCount` choices, in order.
    ///   - echoes: whether the prompt precedes the output.
    package init(head: ResponseHead, options: CompletionOptions, prompts: [String] = [""], echoes: Bool = false) {
        let count = max(1, prompts.count) * options.choiceCount
        let views = (0..<count).map { index in
            Self(
                head: head, options: options, prompt: prompts[index / options.choiceCount], echoes: echoes,
                index: index)
        }
        self = views[0]
        others = Array(views.dropFirst())
    }

    /// The view of one choice.
    private init(head: ResponseHead, options: CompletionOptions, prompt: String, echoes: Bool, index: Int) {
        self.index = index
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        self.head = head
        self.options = options
        echo = echoes && !options.reportsPromptLogprobs ? prompt : ""
        llamaServerObject = LlamaServerObject(head: head, prompts: [prompt], options: options)
        var suffix = Array("],".utf8)
        head.write(object: "text_completion", to: &suffix)
        self.suffix = suffix
    }

    /// The same generation as WebSocket messages.
    package var events: RealtimeEventView {
        RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, _, let text):
            guard !text.isEmpty else { return }
            encodeText(text, TokenDetails(), into: &bytes)
        case .detailedText(_, _, let text, let tokenDetails): encodeText(text, tokenDetails, into: &bytes)
        // Text completions have no roles and no tools.
        case .admitted, .call, .arguments: break
        // The echo precedes the first output, so a client sees one text.
        case .started:
            if !echo.isEmpty { encodeText(Array(echo.utf8)[...], TokenDetails(), into: &bytes) }
        case .promptTokens(let tokens):
            encodeText(Array(tokens.text.utf8)[...], TokenDetails(probabilities: tokens), into: &bytes)
        case .warning(let text):
            JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
            JSONText.appendRaw("],", to: &bytes)
            head.write(object: "text_completion", warnings: [text], to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .promptProgress(let progress):
            writeChunk([], TokenDetails(), to: &bytes)
            options.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .choice(let number, let event):
            if others.indices.contains(number - 1) { others[number - 1].encode(event, number: 0, into: &bytes) }
        case .ended(let completion): encodeChoiceEnd(completion, into: &bytes)
        case .finished(let completion): encodeEnd(completion, into: &bytes)
        case .failed(let error): SharedStreamEvents.appendFailure(error, to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .ping: SharedStreamEvents.appendPing(to: &bytes)
        case .handedOver: SharedStreamEvents.appendHandoverTrace(head.id, number: number, to: &bytes)
        }
    }

    /// Appends the last event for a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        SharedStreamEvents.appendHandover(head.id, number: number, to: &bytes)
    }

    /// Appends one chunk with text.
    private func encodeText(
        _ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, into bytes: inout [UInt8]
    ) {
        writeChunk(text, tokenDetails, to: &bytes)
        options.writeTimings(tokenDetails.tokenTimings, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends a chunk up to the point where timings may follow.
    private func writeChunk(_ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, to bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[{\"text\":\"", to: &bytes)
        JSONText.appendEscaped(text, to: &bytes)
        JSONText.appendRaw("\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"logprobs\":", to: &bytes)
        writeProbabilities(tokenDetails.probabilities, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":null}", to: &bytes)
        bytes.append(contentsOf: suffix)
    }

    /// Appends `logprobs` of a choice; `null` without probabilities.
    private func writeProbabilities(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        if tokens.isEmpty {
            JSONText.appendRaw("null", to: &bytes)
        } else {
            probabilities.write(tokens, isText: true, to: &bytes)
        }
    }

    /// Appends the end of one of several choices.
    private func encodeChoiceEnd(_ completion: GenerationSummary, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
        writeChoice(text: [], [], completion, to: &bytes)
        bytes.append(contentsOf: suffix)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends the end of the stream.
    private func encodeEnd(_ completion: GenerationSummary, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
        // With several choices each of them has already had its end.
        if others.isEmpty { writeChoice(text: [], [], completion, to: &bytes) }
        bytes.append(contentsOf: suffix)
        if !options.includesUsage {
            // llama-server adds usage to this chunk unless the request asks for a separate one.
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeUsage(completion.timings, to: &bytes)
        }
        Accounting.writeEnd(completion, options, llamaServerObject, suffix: suffix, to: &bytes)
    }

    /// Appends one element of `choices`.
    private func writeChoice(
        text: [UInt8], _ tokens: [TokenProbabilities], _ completion: GenerationSummary, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"text\":", to: &bytes)
        JSONText.appendString(text, to: &bytes)
        JSONText.appendRaw(",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"logprobs\":", to: &bytes)
        writeProbabilities(tokens, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason.finishReason, to: &bytes)
        JSONText.appendRaw("\"}", to: &bytes)
    }

    /// The response without a stream.
    /// - Parameter events: all events of a log that has ended.
    /// - Throws: the error with which the generation failed.
    package func response(for events: [LogEvent]) throws(APIError) -> [UInt8] {
        let outputs = try APIError.mapping { () throws(GenerationError) in try ResponseOutput(events) }
        var bytes: [UInt8] = []
        JSONText.appendRaw("{\"choices\":[", to: &bytes)
        for (view, output) in zip([self] + others, outputs.choices) {
            if view.index > 0 { JSONText.appendRaw(",", to: &bytes) }
            view.writeChoice(
                text: Array((view.echo + output.promptTokens.text).utf8) + output.content,
                output.promptTokens + output.probabilities, output.completion, to: &bytes)
        }
        JSONText.appendRaw("],", to: &bytes)
        head.write(object: "text_completion", warnings: outputs.choices.flatMap(\.warnings), to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeUsage(outputs.completion.timings, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(
            of: outputs.completion, showsCachedText: options.showsCachedText, to: &bytes)
        if options.responseFields.isVerbose {
            JSONText.appendRaw(",\"__verbose\":", to: &bytes)
            llamaServerObject.write(outputs.choices[0].completion, output: outputs.choices[0], to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }
}
