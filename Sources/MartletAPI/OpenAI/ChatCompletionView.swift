import MartletJSON
import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's chat completion: chunks while it streams, or one object.
///
/// A chunk is three appends: a prefix rendered once, the escaped text, a suffix rendered once.
package struct ChatCompletionView: StreamView {
    private let head: ResponseHead
    private let options: CompletionOptions
    private let contentPrefix: [UInt8]
    private let reasoningPrefix: [UInt8]
    /// From the end of a choice to the end of the event.
    private let suffix: [UInt8]
    private let probabilities: ProbabilityWriter
    private let native: NativeObject

    package init(head: ResponseHead, options: CompletionOptions) {
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        self.head = head
        self.options = options
        native = NativeObject(head: head, prompts: [], options: options)
        let opening = "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{"
        contentPrefix = Array("\(opening)\"content\":\"".utf8)
        reasoningPrefix = Array("\(opening)\"reasoning_content\":\"".utf8)
        var suffix = Array("],".utf8)
        head.write(object: "chat.completion.chunk", to: &suffix)
        self.suffix = suffix
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(let channel, _, let text):
            guard !text.isEmpty, channel != .markup else { return }
            bytes.append(contentsOf: channel == .reasoning ? reasoningPrefix : contentPrefix)
            JSONText.appendEscaped(text, to: &bytes)
            JSONText.appendRaw("\"}}", to: &bytes)
            endChunk(&bytes)
        case .scoredText(let channel, _, let text, let notes):
            encodeScored(channel, text, notes, into: &bytes)
        case .admitted: break
        case .started:
            JSONText.appendRaw(
                "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}",
                to: &bytes)
            endChunk(&bytes)
        case .promptProgress(let progress):
            JSONText.appendRaw("data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{}}", to: &bytes)
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

    /// A chunk of its own also where nothing can be shown: every token is told.
    private func encodeScored(
        _ channel: Channel, _ text: ArraySlice<UInt8>, _ notes: TokenNotes, into bytes: inout [UInt8]
    ) {
        if text.isEmpty || channel == .markup {
            JSONText.appendRaw("data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{", to: &bytes)
        } else {
            bytes.append(contentsOf: channel == .reasoning ? reasoningPrefix : contentPrefix)
            JSONText.appendEscaped(text, to: &bytes)
            JSONText.appendRaw("\"", to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        if !notes.probabilities.isEmpty {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.write(notes.probabilities, isText: false, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        endChunk(&bytes, notes.standing)
    }

    private func endChunk(_ bytes: inout [UInt8], _ standing: Standing? = nil) {
        bytes.append(contentsOf: suffix)
        options.writeTimings(standing, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    private func encodeEnd(_ completion: Completion, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[{\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason.finishReason, to: &bytes)
        JSONText.appendRaw("\",\"index\":0,\"delta\":{}}", to: &bytes)
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

    /// The whole answer as one object.
    /// - Parameter events: all events of a log that has ended.
    /// - Throws: what the generation failed with.
    package func response(for events: [LogEvent]) throws(APIError) -> [UInt8] {
        let answer = try Answer(events)
        var bytes: [UInt8] = []
        JSONText.appendRaw("{\"choices\":[{\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(answer.completion.reason.finishReason, to: &bytes)
        JSONText.appendRaw("\",\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":", to: &bytes)
        JSONText.appendString(answer.content, to: &bytes)
        if !answer.reasoning.isEmpty {
            JSONText.appendRaw(",\"reasoning_content\":", to: &bytes)
            JSONText.appendString(answer.reasoning, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        if !answer.probabilities.isEmpty {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.write(answer.probabilities, isText: false, to: &bytes)
        }
        JSONText.appendRaw("}],", to: &bytes)
        head.write(object: "chat.completion", to: &bytes)
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
