/// The sizes of the two kinds of decode, and the kind that each token belongs to.
///
/// The attention of ggml on CPUs uses a second method for batches of 64 tokens and more. It is faster and rounds
/// differently. Therefore the tokens of a prompt up to the last multiple of 64 are computed in batches of at least 64,
/// and all other tokens in smaller ones, regardless of other sequences in the batch.
struct BatchShape: Sendable, Equatable {
    /// The unit of an aligned decode, in tokens. It is also the largest number of prompt tokens whose logits are all
    /// read in one decode: they need 39 MB with a vocabulary of 152,000 tokens.
    static let chunk = 64
    /// The largest number of tokens of an aligned decode: a multiple of `chunk`, or 0 if there are no aligned decodes.
    let alignedBatchLimit: Int
    /// The largest number of tokens of a narrow decode.
    let decodeBatchLimit: Int

    /// Whether the whole chunks of a prompt are always computed in aligned decodes. In a unified KV cache rounding depends
    /// on the order of cells anyway, and a chunk that would stall running sequences for too long may be smaller.
    let keepsWholeChunks: Bool

    /// Chooses the sizes.
    ///
    /// - Parameters:
    ///   - microBatchSize: the largest number of tokens that are computed at once.
    ///   - isReproducible: whether the two kinds are separated; otherwise all decodes are narrow and large.
    ///   - usesUnifiedKV: whether sequences share a KV cache. Then ggml counts the tokens of all sequences, otherwise
    ///     of each by itself.
    init(microBatchSize: Int, isReproducible: Bool, usesUnifiedKV: Bool) {
        keepsWholeChunks = isReproducible && !usesUnifiedKV
        alignedBatchLimit = isReproducible ? microBatchSize / Self.chunk * Self.chunk : 0
        decodeBatchLimit = isReproducible && usesUnifiedKV ? min(microBatchSize, Self.chunk - 1) : microBatchSize
    }

    /// The pending tokens `start..<end` of a history that can be computed next, and the kind of decode.
    ///
    /// - Parameter promptCount: the number of prompt tokens at the beginning of the history.
    func next(from start: Int, to end: Int, promptCount: Int) -> (count: Int, isAligned: Bool) {
        let alignedEnd = alignedBatchLimit > 0 ? min(end, promptCount) / Self.chunk * Self.chunk : 0
        // Generated tokens are many at once when a generation is continued; they belong to narrow decodes.
        if start >= alignedEnd {
            return (alignedBatchLimit > 0 ? min(end - start, Self.chunk - 1) : end - start, false)
        }
        // A KV cache that cannot be cut at a multiple of the chunk begins in between.
        let beyond = start % Self.chunk
        return beyond == 0 ? (alignedEnd - start, true) : (Self.chunk - beyond, false)
    }

    /// The number of prompt tokens that are computed in whole chunks.
    func alignedEnd(promptCount: Int) -> Int {
        alignedBatchLimit > 0 ? promptCount / Self.chunk * Self.chunk : promptCount
    }

    /// How many of `count` cached prompt tokens are reused, so that the remaining tokens are computed in the same kind
    /// of decode as without reuse.
    func reusable(_ count: Int, promptCount: Int) -> Int {
        alignedBatchLimit > 0 && count < promptCount / Self.chunk * Self.chunk ? count / Self.chunk * Self.chunk : count
    }
}
