internal import MartletAPI
internal import MartletStreams

/// A view with a streaming form, a whole form, and a form for a WebSocket.
protocol CompletionView: StreamView {
    /// The whole response.
    /// - Throws: the error with which the generation failed.
    func response(for events: [LogEvent]) throws(APIError) -> [UInt8]

    /// The log as messages of a WebSocket.
    var events: RealtimeEventView { get }
}

extension ChatCompletionView: CompletionView {}
extension TextCompletionView: CompletionView {}
extension LlamaServerCompletionView: CompletionView {}
