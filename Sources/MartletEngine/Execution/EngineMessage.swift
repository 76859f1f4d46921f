import MartletProtocol

/// A message from another thread to the engine thread.
enum EngineMessage: Sendable {
    case submit(PreparedRequest)
    /// The request failed before it could be submitted to the engine thread.
    case reject(GenerationHandle, EngineError)
    case cancel(GenerationHandle)
    case control(PreparedCommand)
    /// The request was cancelled before it could be submitted to the engine thread.
    case cancelled(GenerationHandle, submitted: MonotonicTime)
    case embed(EmbeddingJob)
    case slot(SlotJob)
    /// The file of a slot action was read.
    case slotRead(SlotJob, SlotFiles.ReadFile)
    /// A report of the disk tier's threads.
    case disk(DiskTier.Report)
    case unpin(PinnedPrefixID)
    case stop
}
