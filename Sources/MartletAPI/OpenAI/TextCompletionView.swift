import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's text completion: chunks while it streams, or one object.
package struct TextCompletionView: StreamView {
    private let head: ResponseHead
    private let includesUsage: Bool
    /// From the end of a choice to the end of the event.
    private let suffix: [UInt8]
    private let probabilities: ProbabilityWriter

    /// - Parameter stage: what the probabilities are of, where there are some.
    package init(head: ResponseHead, includesUsage: Bool, stage: ProbabilityRequest.Stage = .beforeSampling) {
        probabilities = ProbabilityWriter(stage: stage)
        self.head = head
        self.includesUsage = includesUsage
        var suffix = Array("],".utf8)
        head.write(object: "text_completion", to: &suffix)
        self.suffix = suffix
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, _, let text):
            guard !text.isEmpty else { return }
            encodeText(text, [], into: &bytes)
        case .scoredText(_, _, let text, let tokens): encodeText(text, tokens, into: &bytes)
        case .admitted, .started: break
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
        _ text: ArraySlice<UInt8>, _ tokens: [TokenProbabilities], into bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("data: {\"choices\":[{\"text\":\"", to: &bytes)
        JSONText.appendEscaped(text, to: &bytes)
        JSONText.appendRaw("\",\"index\":0,\"logprobs\":", to: &bytes)
        writeProbabilities(tokens, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":null}", to: &bytes)
        bytes.append(contentsOf: suffix)
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
        if includesUsage {
            JSONText.appendRaw("}\n\ndata: {\"choices\":[", to: &bytes)
            bytes.append(contentsOf: suffix)
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeUsage(completion.timings, to: &bytes)
        }
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(completion.timings, to: &bytes)
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
        writeChoice(text: answer.content, answer.probabilities, answer.completion, to: &bytes)
        JSONText.appendRaw("],", to: &bytes)
        head.write(object: "text_completion", to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeUsage(answer.completion.timings, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(answer.completion.timings, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }
}
