import MartletJSON
import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's text completion: chunks while it streams, or one object.
package struct TextCompletionView: StreamView {
    private let head: ResponseHead
    private let options: CompletionOptions
    /// What is shown before the answer.
    private let echo: String
    /// From the end of a choice to the end of the event.
    private let suffix: [UInt8]
    private let probabilities: ProbabilityWriter
    private let native: NativeObject

    /// - Parameters:
    ///   - prompt: as it is told where it is asked for.
    ///   - echoes: whether it is also shown before the answer.
    package init(head: ResponseHead, options: CompletionOptions, prompt: String = "", echoes: Bool = false) {
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        self.head = head
        self.options = options
        echo = echoes ? prompt : ""
        native = NativeObject(head: head, prompts: [prompt], options: options)
        var suffix = Array("],".utf8)
        head.write(object: "text_completion", to: &suffix)
        self.suffix = suffix
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, _, let text):
            guard !text.isEmpty else { return }
            encodeText(text, TokenNotes(), into: &bytes)
        case .scoredText(_, _, let text, let notes): encodeText(text, notes, into: &bytes)
        case .admitted: break
        case .started:
            if !echo.isEmpty { encodeText(Array(echo.utf8)[...], TokenNotes(), into: &bytes) }
        case .promptProgress(let progress):
            JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
            bytes.append(contentsOf: suffix)
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .finished(let completion): encodeEnd(completion, into: &bytes)
        case .failed(let error): ServerSentEvent.appendFailure(error, to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .ping: ServerSentEvent.appendPing(to: &bytes)
        case .handedOver: ServerSentEvent.appendHandoverTrace(head.id, number: number, to: &bytes)
        }
    }

    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        ServerSentEvent.appendHandover(head.id, number: number, to: &bytes)
    }

    private func encodeText(
        _ text: ArraySlice<UInt8>, _ notes: TokenNotes, into bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("data: {\"choices\":[{\"text\":\"", to: &bytes)
        JSONText.appendEscaped(text, to: &bytes)
        JSONText.appendRaw("\",\"index\":0,\"logprobs\":", to: &bytes)
        writeProbabilities(notes.probabilities, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":null}", to: &bytes)
        bytes.append(contentsOf: suffix)
        options.writeTimings(notes.standing, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    private func writeProbabilities(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        if tokens.isEmpty {
            JSONText.appendRaw("null", to: &bytes)
        } else {
            probabilities.write(tokens, isText: true, to: &bytes)
        }
    }

    private func encodeEnd(_ completion: Completion, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
        writeChoice(text: [], [], completion, to: &bytes)
        bytes.append(contentsOf: suffix)
        if options.includesUsage {
            JSONText.appendRaw("}\n\ndata: {\"choices\":[", to: &bytes)
            bytes.append(contentsOf: suffix)
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeUsage(completion.timings, to: &bytes)
        }
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(completion.timings, to: &bytes)
        if options.told.isVerbose {
            JSONText.appendRaw(",\"__verbose\":", to: &bytes)
            native.write(completion, to: &bytes)
        }
        JSONText.appendRaw("}\n\n", to: &bytes)
        ServerSentEvent.appendDone(to: &bytes)
    }

    private func writeChoice(
        text: [UInt8], _ tokens: [TokenProbabilities], _ completion: Completion, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"text\":", to: &bytes)
        JSONText.appendString(text, to: &bytes)
        JSONText.appendRaw(",\"index\":0,\"logprobs\":", to: &bytes)
        writeProbabilities(tokens, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason.finishReason, to: &bytes)
        JSONText.appendRaw("\"}", to: &bytes)
    }

    /// The whole answer as one object.
    /// - Parameter events: all events of a log that has ended.
    /// - Throws: what the generation failed with.
    package func response(for events: [LogEvent]) throws(APIError) -> [UInt8] {
        let answer = try Answer(events)
        var bytes: [UInt8] = []
        JSONText.appendRaw("{\"choices\":[", to: &bytes)
        writeChoice(text: Array(echo.utf8) + answer.content, answer.probabilities, answer.completion, to: &bytes)
        JSONText.appendRaw("],", to: &bytes)
        head.write(object: "text_completion", to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeUsage(answer.completion.timings, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(answer.completion.timings, to: &bytes)
        if options.told.isVerbose {
            JSONText.appendRaw(",\"__verbose\":", to: &bytes)
            native.write(answer.completion, answer: answer, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }
}
