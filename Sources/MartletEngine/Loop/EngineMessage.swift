import MartletProtocol

/// What other threads tell the engine's thread.
enum EngineMessage: Sendable {
    case submit(PreparedRequest)
    /// A request that failed before it could be submitted.
    case reject(GenerationHandle, EngineError)
    case cancel(GenerationHandle)
    case control(GenerationHandle, CommandNumber, ControlAction)
    /// A request that was cancelled before it could be submitted.
    case cancelled(GenerationHandle, submitted: MonotonicTime)
    case embed(EmbeddingJob)
    case stop
}
