package import MartletGenerations
import MartletJSON
import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's chat completion: chunks of a stream, or one object.
///
/// A chunk is three appends: a prefix that is encoded once, the escaped text, a suffix that is encoded once.
package struct ChatCompletionView: StreamView {
    private let head: ResponseHead
    private let options: CompletionOptions
    /// From the beginning of a chunk to the text of its delta.
    private let contentPrefix: [UInt8]
    private let reasoningPrefix: [UInt8]
    /// From the end of a choice to the end of the event.
    private let suffix: [UInt8]
    private let probabilities: ProbabilityWriter
    /// Encodes `__verbose`.
    private let llamaServerObject: LlamaServerObject
    /// From the beginning of a chunk to the members of its delta.
    private let opening: [UInt8]
    /// The number of the choice that this view encodes.
    private let index: Int
    /// The views of the other choices, in the view of choice 0.
    private var others: [ChatCompletionView] = []

    /// - Parameter prompt: the text of the prompt that `__verbose` shows.
    package init(head: ResponseHead, options: CompletionOptions, prompt: String = "") {
        self.init(head: head, options: options, prompt: prompt, index: 0)
        others = (1..<max(1, options.choiceCount)).map {
            Self(head: head, options: options, prompt: prompt, index: $0)
        }
    }

    private init(head: ResponseHead, options: CompletionOptions, prompt: String, index: Int) {
        self.index = index
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        self.head = head
        self.options = options
        llamaServerObject = LlamaServerObject(head: head, prompts: [prompt], options: options)
        let opening = "data: {\"choices\":[{\"finish_reason\":null,\"index\":\(index),\"delta\":{"
        self.opening = Array(opening.utf8)
        contentPrefix = Array("\(opening)\"content\":\"".utf8)
        reasoningPrefix = Array("\(opening)\"reasoning_content\":\"".utf8)
        var suffix = Array("],".utf8)
        head.write(object: "chat.completion.chunk", to: &suffix)
        self.suffix = suffix
    }

    /// The same generation as WebSocket messages.
    package var events: RealtimeEventView {
        RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
    }

    /// - Complexity: O(length of the event's text). Nothing is allocated but the growth of `bytes`.
    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(let channel, _, let text):
            // A token without visible text needs no chunk unless the request asks for details of each token.
            guard !text.isEmpty, channel != .delimiter else { return }
            writeText(channel, text, to: &bytes)
            JSONText.appendRaw("}}", to: &bytes)
            endChunk(&bytes)
        case .detailedText(let channel, _, let text, let tokenDetails):
            encodeDetailed(channel, text, tokenDetails, into: &bytes)
        case .call(let number, let name):
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("\"tool_calls\":[{\"index\":", to: &bytes)
            JSONText.appendInteger(number, to: &bytes)
            JSONText.appendRaw(",", to: &bytes)
            writeCallHead(number, name, to: &bytes)
            JSONText.appendRaw("\"}}]}}", to: &bytes)
            endChunk(&bytes)
        case .arguments(let number, _, let text):
            guard !text.isEmpty else { return }
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("\"tool_calls\":[{\"index\":", to: &bytes)
            JSONText.appendInteger(number, to: &bytes)
            JSONText.appendRaw(",\"function\":{\"arguments\":\"", to: &bytes)
            JSONText.appendEscaped(text, to: &bytes)
            JSONText.appendRaw("\"}}]}}", to: &bytes)
            endChunk(&bytes)
        case .warning(let text):
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("}}", to: &bytes)
            JSONText.appendRaw("],", to: &bytes)
            head.write(object: "chat.completion.chunk", warnings: [text], to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .admitted, .promptTokens: break
        case .started:
            writeRole(to: &bytes)
            endChunk(&bytes)
        case .promptProgress(let progress):
            writeRole(to: &bytes)
            bytes.append(contentsOf: suffix)
            options.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .choice(let number, let event):
            // Choice 0 has no wrapper: its events come plain.
            if others.indices.contains(number - 1) { others[number - 1].encode(event, number: 0, into: &bytes) }
        case .ended(let completion):
            encodeChoiceEnd(completion, into: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .finished(let completion): encodeEnd(completion, into: &bytes)
        case .failed(let error): SharedStreamEvents.appendFailure(error, to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .ping: SharedStreamEvents.appendPing(to: &bytes)
        case .handedOver: SharedStreamEvents.appendHandoverTrace(head.id, number: number, to: &bytes)
        }
    }

    /// Appends the beginning of a chunk with its text. Reasoning has two names, because clients read one or the other.
    private func writeText(_ channel: OutputChannel, _ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: channel == .reasoning ? reasoningPrefix : contentPrefix)
        JSONText.appendEscaped(text, to: &bytes)
        if channel == .reasoning {
            JSONText.appendRaw("\",\"reasoning\":\"", to: &bytes)
            JSONText.appendEscaped(text, to: &bytes)
        }
        JSONText.appendRaw("\"", to: &bytes)
    }

    /// Appends the members of a tool call up to the opening quote of its arguments.
    private func writeCallHead(_ number: Int, _ name: String, to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"id\":", to: &bytes)
        JSONText.appendString(head.callID(index << 8 + number), to: &bytes)
        JSONText.appendRaw(",\"type\":\"function\",\"function\":{\"name\":", to: &bytes)
        JSONText.appendString(name, to: &bytes)
        JSONText.appendRaw(",\"arguments\":\"", to: &bytes)
    }

    /// Appends the last event for a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        SharedStreamEvents.appendHandover(head.id, number: number, to: &bytes)
    }

    /// Appends a chunk with details of a token. A token without visible text gets a chunk too, so that no token is
    /// missing.
    private func encodeDetailed(
        _ channel: OutputChannel, _ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, into bytes: inout [UInt8]
    ) {
        if text.isEmpty || channel == .delimiter {
            bytes.append(contentsOf: opening)
        } else {
            writeText(channel, text, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        if !tokenDetails.probabilities.isEmpty {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.write(tokenDetails.probabilities, isText: false, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        endChunk(&bytes, tokenDetails.tokenTimings)
    }

    /// Appends the first chunk of a choice up to the end of its delta.
    private func writeRole(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: opening)
        JSONText.appendRaw("\"role\":\"assistant\",\"content\":null}}", to: &bytes)
    }

    /// Appends the end of a chunk, with timings if the request asks for them.
    private func endChunk(_ bytes: inout [UInt8], _ tokenTimings: TokenTimings? = nil) {
        bytes.append(contentsOf: suffix)
        options.writeTimings(tokenTimings, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends the chunk that ends a choice, up to the point where timings may follow.
    private func encodeChoiceEnd(_ completion: GenerationSummary, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[{\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.finishReason, to: &bytes)
        JSONText.appendRaw("\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"delta\":{}}", to: &bytes)
        bytes.append(contentsOf: suffix)
    }

    /// Appends the end of the stream.
    private func encodeEnd(_ completion: GenerationSummary, into bytes: inout [UInt8]) {
        if others.isEmpty {
            encodeChoiceEnd(completion, into: &bytes)
        } else {
            // With several choices each of them has already had its end.
            JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
            bytes.append(contentsOf: suffix)
        }
        Accounting.writeEnd(completion, options, llamaServerObject, suffix: suffix, to: &bytes)
    }

    /// Appends the member `tool_calls` of a whole message.
    private func writeCalls(_ calls: [ChoiceOutput.Call], to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"tool_calls\":[", to: &bytes)
        for (number, call) in calls.enumerated() {
            JSONText.appendRaw(number == 0 ? "{" : ",{", to: &bytes)
            writeCallHead(number, call.name, to: &bytes)
            JSONText.appendEscaped(call.arguments[...], to: &bytes)
            JSONText.appendRaw("\"}}", to: &bytes)
        }
        JSONText.appendRaw("]", to: &bytes)
    }

    /// Appends one element of `choices` of a response without a stream.
    private func writeChoice(_ output: ChoiceOutput, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(output.completion.finishReason, to: &bytes)
        JSONText.appendRaw("\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"message\":{\"role\":\"assistant\",\"content\":", to: &bytes)
        // OpenAI's clients expect null instead of an empty text next to tool calls.
        if output.content.isEmpty, !output.calls.isEmpty {
            JSONText.appendRaw("null", to: &bytes)
        } else {
            JSONText.appendString(output.content, to: &bytes)
        }
        if !output.reasoning.isEmpty {
            JSONText.appendRaw(",\"reasoning_content\":", to: &bytes)
            JSONText.appendString(output.reasoning, to: &bytes)
            JSONText.appendRaw(",\"reasoning\":", to: &bytes)
            JSONText.appendString(output.reasoning, to: &bytes)
        }
        if !output.calls.isEmpty { writeCalls(output.calls, to: &bytes) }
        JSONText.appendRaw("}", to: &bytes)
        if !output.probabilities.isEmpty {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.write(output.probabilities, isText: false, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
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
            view.writeChoice(output, to: &bytes)
        }
        JSONText.appendRaw("],", to: &bytes)
        head.write(object: "chat.completion", warnings: outputs.choices.flatMap(\.warnings), to: &bytes)
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
