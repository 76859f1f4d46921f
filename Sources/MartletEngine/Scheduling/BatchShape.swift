/// How many tokens the two kinds of decode hold, and which tokens go into which.
///
/// ggml's attention for CPUs computes batches of 64 tokens and more by a method of its own, which is faster and rounds
/// differently. So a prompt's tokens up to the last multiple of 64 are computed in batches of at least 64, and all
/// other tokens in smaller ones, whoever else is in the batch.
struct BatchShape: Sendable, Equatable {
    /// Tokens in one unit of a wide decode. Also most tokens of a prompt whose logits are all read in one decode: they
    /// take 39 MB with a vocabulary of 152,000.
    static let chunk = 64
    /// Most tokens of a wide decode: a multiple of `chunk`, or 0 if there are no wide decodes.
    let alignedBatchLimit: Int
    /// Most tokens of a narrow decode.
    let decodeBatchLimit: Int

    /// - Parameters:
    ///   - microBatchSize: most tokens that are computed at once.
    ///   - isReproducible: whether the two kinds are kept apart at all; without, all decodes are narrow and large.
    ///   - usesUnifiedKV: whether sequences share their memory. Then ggml counts the tokens of all, else of each alone.
    init(microBatchSize: Int, isReproducible: Bool, usesUnifiedKV: Bool) {
        alignedBatchLimit = isReproducible ? microBatchSize / Self.chunk * Self.chunk : 0
        decodeBatchLimit = isReproducible && usesUnifiedKV ? min(microBatchSize, Self.chunk - 1) : microBatchSize
    }

    /// Which of the tokens `start..<end` of a history can be computed next in one kind of decode.
    ///
    /// - Parameter promptCount: how many tokens of the history are the prompt.
    func next(from start: Int, to end: Int, promptCount: Int) -> (count: Int, isAligned: Bool) {
        let alignedEnd = alignedBatchLimit > 0 ? promptCount / Self.chunk * Self.chunk : 0
        // What was written before is many tokens at once when a generation is taken up again.
        if start >= alignedEnd {
            return (alignedBatchLimit > 0 ? min(end - start, Self.chunk - 1) : end - start, false)
        }
        // A memory that cannot be cut at a multiple begins in between.
        let beyond = start % Self.chunk
        return beyond == 0 ? (alignedEnd - start, true) : (Self.chunk - beyond, false)
    }

    /// How much of a prompt's beginning that is in memory is worth keeping, so that the rest is computed as ever.
    func reusable(_ count: Int, promptCount: Int) -> Int {
        alignedBatchLimit > 0 && count < promptCount / Self.chunk * Self.chunk ? count / Self.chunk * Self.chunk : count
    }
}
