internal import MartletAPI
internal import MartletGenerations
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

extension ResolvedOptions {
    /// The view of a completion, for a new response and for one that a journal has stored.
    ///
    /// - Parameter prompts: the texts of the prompts that the response contains: at most one for a chat, all for the other
    ///   kinds.
    func view(of kind: CompletionKind, head: ResponseHead, prompts: [String]) -> any CompletionView {
        switch kind {
        case .chat: ChatCompletionView(head: head, options: options, prompt: prompts.first ?? "")
        case .text: TextCompletionView(head: head, options: options, prompts: prompts, echoes: echoes)
        case .native: LlamaServerCompletionView(head: head, prompts: prompts, options: options)
        }
    }
}
