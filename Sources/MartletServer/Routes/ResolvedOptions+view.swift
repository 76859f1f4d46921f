internal import MartletAPI
internal import MartletGenerations
internal import MartletStreams

extension ResolvedOptions {
    /// The view of a completion, for a new response and for one that a journal has stored.
    ///
    /// - Parameter prompts: the texts of the prompts that the response contains: at most one for a chat, all for the other
    ///   kinds.
    func view(of kind: CompletionKind, head: ResponseHead, prompts: [String]) -> any ResponseView {
        switch kind {
        case .chat: ChatCompletionView(head: head, options: options, prompt: prompts.first ?? "")
        case .text: TextCompletionView(head: head, options: options, prompts: prompts, echoes: echoes)
        case .native: LlamaServerCompletionView(head: head, prompts: prompts, options: options)
        }
    }
}
