package import MartletGenerations
import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A generation in a dialect of OpenAI: chunks of a stream, or one object.
///
/// The type has the parts that the choices of a generation share: which choice an event concerns, the end of the
/// stream, and the object around the choices. `Choice` writes the parts of one choice. Example: `ChatCompletionView` is
/// this view with `ChatChoice`.
package struct OpenAIView<Choice: OpenAIChoice>: ResponseView {
    private let head: ResponseHead
    private let options: CompletionOptions
    private let first: Choice
    /// The choices after the first one, in order.
    private let others: [Choice]
    /// Selects the choices of a whole response among those of the log; nil = the response has all of them.
    var select: (@Sendable ([ChoiceOutput]) -> [ChoiceOutput])?
    /// Encodes `__verbose`.
    private let llamaServerObject: LlamaServerObject

    /// - Parameters:
    ///   - prompt: the text of the first prompt that `__verbose` shows.
    ///   - choiceCount: the choices of all prompts together, at least 1.
    ///   - makeChoice: makes the choice with a number, from 0 on.
    init(
        head: ResponseHead, options: CompletionOptions, prompt: String, choiceCount: Int,
        makeChoice: (Int) -> Choice
    ) {
        self.head = head
        self.options = options
        first = makeChoice(0)
        others = (1..<max(1, choiceCount)).map(makeChoice)
        llamaServerObject = LlamaServerObject(head: head, prompts: [prompt], options: options)
    }

    package var messages: RealtimeEventView {
        RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
    }

    /// - Complexity: O(length of the event's text). Nothing is allocated but the growth of `bytes`.
    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .choice(let index, let event):
            // Choice 0 has no wrapper: its events come plain.
            guard others.indices.contains(index - 1) else { return }
            encode(event, of: others[index - 1], into: &bytes)
        case .finished(let completion): encodeEnd(completion, into: &bytes)
        case .failed(let error): SharedStreamEvents.appendFailure(error, to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .ping: SharedStreamEvents.appendPing(to: &bytes)
        case .handedOver: SharedStreamEvents.appendHandoverTrace(head.id, number: number, to: &bytes)
        default: encode(event, of: first, into: &bytes)
        }
    }

    /// Appends the last event for a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        SharedStreamEvents.appendHandover(head.id, number: number, to: &bytes)
    }

    private func encode(_ event: LogEvent, of choice: Choice, into bytes: inout [UInt8]) {
        guard case .ended(let completion) = event else { return choice.encode(event, into: &bytes) }
        JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
        choice.writeEnd(completion, to: &bytes)
        bytes.append(contentsOf: choice.suffix)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends the end of the stream.
    private func encodeEnd(_ completion: GenerationSummary, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
        // With several choices each of them has already had its end.
        if others.isEmpty { first.writeEnd(completion, to: &bytes) }
        bytes.append(contentsOf: first.suffix)
        if Choice.addsUsageToLastChunk, !options.includesUsage {
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeUsage(completion.timings, to: &bytes)
        }
        Accounting.writeEnd(completion, options, llamaServerObject, suffix: first.suffix, to: &bytes)
    }

    /// The response without a stream: one object with all choices.
    package func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        let outputs = try ResponseOutput(events)
        var bytes: [UInt8] = []
        JSONText.appendRaw("{\"choices\":[", to: &bytes)
        let choices = select?(outputs.choices) ?? outputs.choices
        for (index, output) in choices.prefix(others.count + 1).enumerated() {
            if index > 0 { JSONText.appendRaw(",", to: &bytes) }
            (index == 0 ? first : others[index - 1]).write(output, to: &bytes)
        }
        JSONText.appendRaw("],", to: &bytes)
        head.write(object: Choice.object, warnings: outputs.choices.flatMap(\.warnings), to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeUsage(outputs.completion.timings, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(of: outputs.completion, showsCachedText: options.showsCachedText, to: &bytes)
        if options.responseFields.isVerbose {
            JSONText.appendRaw(",\"__verbose\":", to: &bytes)
            llamaServerObject.write(outputs.choices[0].completion, output: outputs.choices[0], to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }
}

/// The encoder of one choice in a dialect of OpenAI.
///
/// The elements of `choices` have the number of the choice. A value is immutable and fixed at admission.
package protocol OpenAIChoice: Sendable {
    /// The member `object` of a whole response, such as `chat.completion`.
    static var object: StaticString { get }

    /// Whether the last chunk of a stream has `usage` unless the request asks for a separate chunk, as llama-server's
    /// text completions do.
    static var addsUsageToLastChunk: Bool { get }

    /// The bytes of a chunk from the end of `choices` to the point where further members may follow.
    var suffix: [UInt8] { get }

    /// Appends the chunks of an event that concerns this choice, which may be none. The event is neither an end nor an
    /// event of the whole generation.
    func encode(_ event: LogEvent, into bytes: inout [UInt8])

    /// Appends the element of `choices` that ends the choice in a stream.
    func writeEnd(_ completion: GenerationSummary, to bytes: inout [UInt8])

    /// Appends the element of `choices` in a whole response.
    func write(_ output: ChoiceOutput, to bytes: inout [UInt8])
}
