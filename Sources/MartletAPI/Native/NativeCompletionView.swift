import MartletJSON
import MartletProtocol
package import MartletStreams

/// A generation in llama-server's own form: chunks while it streams, or one object. No `[DONE]` at the end.
package struct NativeCompletionView: StreamView {
    private let responseID: String
    private let native: NativeObject

    package init(head: ResponseHead, prompts: [String], options: CompletionOptions) {
        responseID = head.id
        native = NativeObject(head: head, prompts: prompts, options: options)
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, let token, let text):
            encodeChunk(token, text, TokenNotes(), into: &bytes)
        case .scoredText(_, let token, let text, let notes):
            encodeChunk(token, text, notes, into: &bytes)
        case .admitted, .started: break
        case .promptProgress(let progress):
            JSONText.appendRaw("data: ", to: &bytes)
            native.beginChunk(content: [], token: nil, slot: progress.slot, to: &bytes)
            NativeObject.writeCounts(predicted: 0, evaluated: progress.total, to: &bytes)
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .controlled(let record): ControlBodies.appendComment(record, number: number, to: &bytes)
        case .ping: ServerSentEvent.appendPing(to: &bytes)
        case .handedOver: ServerSentEvent.appendHandoverTrace(responseID, number: number, to: &bytes)
        case .finished(let completion):
            JSONText.appendRaw("data: ", to: &bytes)
            native.write(completion, to: &bytes)
            JSONText.appendRaw("\n\n", to: &bytes)
        case .failed(let error):
            JSONText.appendRaw("data: ", to: &bytes)
            APIError(error).write(to: &bytes)
            JSONText.appendRaw("\n\n", to: &bytes)
        }
    }

    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        ServerSentEvent.appendHandover(responseID, number: number, to: &bytes)
    }

    private func encodeChunk(
        _ token: Int32?, _ text: ArraySlice<UInt8>, _ notes: TokenNotes, into bytes: inout [UInt8]
    ) {
        let timings = notes.standing?.timings ?? Timings()
        JSONText.appendRaw("data: ", to: &bytes)
        native.beginChunk(content: text, token: token, slot: notes.standing?.slot, to: &bytes)
        NativeObject.writeCounts(
            predicted: timings.predictedTokens, evaluated: timings.promptTokens, to: &bytes)
        native.writeNotes(notes, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// The whole answer as one object.
    /// - Parameter events: all events of a log that has ended.
    /// - Throws: what the generation failed with.
    package func response(for events: [LogEvent]) throws(APIError) -> [UInt8] {
        let answer = try Answer(events)
        var bytes: [UInt8] = []
        native.write(answer.completion, answer: answer, to: &bytes)
        return bytes
    }
}
