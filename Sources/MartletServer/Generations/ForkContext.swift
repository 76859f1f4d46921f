internal import MartletAPI
internal import MartletStreams

/// What is kept of a client's request while its generation lives, for orders.
struct ForkContext: Sendable {
    /// `nil` = it was no chat, so there are no turns.
    let chat: ChatCompletionRequest?
    /// How a fork of the generation is known.
    let makeForkSpec: @Sendable () -> GenerationSpec
}
