package import MartletGenerations
import MartletJSON
import MartletProtocol
package import MartletStreams

/// A generation in llama-server's format: chunks of a stream, or one object. The stream has no `[DONE]`.
package struct LlamaServerCompletionView: ResponseView {
    private let responseID: String
    private let llamaServerObject: LlamaServerObject
    private let options: CompletionOptions
    /// The choices of all prompts together.
    private let choiceCount: Int
    /// The same generation as WebSocket messages.
    package let messages: RealtimeEventView

    /// - Parameters:
    ///   - head: the members that all chunks share.
    ///   - prompts: the texts that `prompt` shows in the last event; at least one.
    package init(head: ResponseHead, prompts: PromptTexts, options: CompletionOptions) {
        self.options = options
        choiceCount = prompts.count * options.choiceCount
        responseID = head.id
        llamaServerObject = LlamaServerObject(head: head, prompts: prompts, options: options)
        messages = RealtimeEventView(
            head: head, probabilityStage: options.probabilityStage, showsCachedText: options.showsCachedText)
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        encode(event, number: number, index: 0, into: &bytes)
    }

    /// - Parameter index: the number of the choice.
    private func encode(_ event: LogEvent, number: Int, index: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, let token, let text):
            encodeChunk(token, text, TokenDetails(), index, into: &bytes)
        case .detailedText(_, let token, let text, let tokenDetails):
            encodeChunk(token, text, tokenDetails, index, into: &bytes)
        case .admitted, .started, .promptTokens, .call, .arguments: break
        case .warning(let text):
            JSONText.appendRaw("data: ", to: &bytes)
            llamaServerObject.beginChunk(content: [], token: nil, slot: nil, index: index, to: &bytes)
            LlamaServerObject.writeCounts(predicted: 0, evaluated: 0, to: &bytes)
            llamaServerObject.writeWarning(text, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .promptProgress(let progress):
            JSONText.appendRaw("data: ", to: &bytes)
            llamaServerObject.beginChunk(content: [], token: nil, slot: progress.slot, index: index, to: &bytes)
            LlamaServerObject.writeCounts(predicted: 0, evaluated: progress.total, to: &bytes)
            options.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .ping: SharedStreamEvents.appendPing(to: &bytes)
        case .handedOver: SharedStreamEvents.appendHandoverTrace(responseID, number: number, to: &bytes)
        case .choice(let choice, let event): encode(event, number: number, index: choice, into: &bytes)
        case .ended(let completion): encodeEnd(completion, index, into: &bytes)
        case .finished(let completion):
            // With several choices each of them has already had its end.
            if choiceCount == 1 { encodeEnd(completion, index, into: &bytes) }
        case .failed(let error):
            JSONText.appendRaw("data: ", to: &bytes)
            APIError(error).write(to: &bytes)
            JSONText.appendRaw("\n\n", to: &bytes)
        }
    }

    /// Appends the last event for a client whose generation continues in the next process.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        SharedStreamEvents.appendHandover(responseID, number: number, to: &bytes)
    }

    /// Appends the final chunk of a choice: the object with all members but without text.
    private func encodeEnd(_ completion: GenerationSummary, _ index: Int, into bytes: inout [UInt8]) {
        JSONText.appendRaw("data: ", to: &bytes)
        llamaServerObject.write(completion, index: index, to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
    }

    /// Appends one chunk with the text of a token.
    private func encodeChunk(
        _ token: Int32?, _ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, _ index: Int,
        into bytes: inout [UInt8]
    ) {
        let timings = tokenDetails.tokenTimings?.timings ?? Timings()
        JSONText.appendRaw("data: ", to: &bytes)
        llamaServerObject.beginChunk(
            content: text, token: token, slot: tokenDetails.tokenTimings?.slot, index: index, to: &bytes)
        LlamaServerObject.writeCounts(
            predicted: timings.predictedTokens, evaluated: timings.promptTokens, to: &bytes)
        llamaServerObject.writeTokenDetails(tokenDetails, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// One object; a list of objects for several choices.
    package func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        let outputs = try ResponseOutput(events).choices
        var bytes: [UInt8] = []
        if outputs.count > 1 { JSONText.appendRaw("[", to: &bytes) }
        for (index, output) in outputs.enumerated() {
            if index > 0 { JSONText.appendRaw(",", to: &bytes) }
            llamaServerObject.write(output.completion, output: output, index: index, to: &bytes)
        }
        if outputs.count > 1 { JSONText.appendRaw("]", to: &bytes) }
        return bytes
    }
}
