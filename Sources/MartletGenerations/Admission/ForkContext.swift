package import MartletStreams

/// The part of a client's request that control commands need while its generation runs.
package struct ForkContext: Sendable {
    /// Returns the conversation; nil for a plain completion, which has no turns.
    package let loadChat: @Sendable () throws(GenerationError) -> ChatCompletionRequest?
    /// Makes the spec of a fork, with an id of its own.
    package let makeForkSpec: @Sendable () -> GenerationSpec
}
