internal import MartletAPI
internal import MartletStreams

/// A format of an answer that has a streaming and a whole form.
protocol CompletionView: StreamView {
    /// The whole answer.
    /// - Throws: what the generation failed with.
    func response(for events: [LogEvent]) throws(APIError) -> [UInt8]

    /// The answer as messages of a WebSocket.
    var events: RealtimeEventView { get }
}

extension ChatCompletionView: CompletionView {}
extension TextCompletionView: CompletionView {}
extension LlamaServerCompletionView: CompletionView {}
