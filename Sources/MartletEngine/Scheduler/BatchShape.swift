/// The sizes of the two kinds of decode, and the kind that each token belongs to.
///
/// The results of ggml on CPUs depend on the number of tokens that a sequence has in a batch, in a way that depends on the
/// method of attention:
///
/// | attention | rounds differently | prompts | generated tokens |
/// | --- | --- | --- | --- |
/// | flash | from 64 tokens on | whole chunks of 64, and the rest in smaller batches | in smaller batches |
/// | plain | a single token | two tokens or more | one by one, apart from prompts |
///
/// Therefore there are two kinds of decode, and each token belongs to one of them regardless of other sequences.
struct BatchShape: Sendable, Equatable {
    /// The unit of an aligned decode with flash attention, in tokens. It is also the largest number of prompt tokens whose
    /// logits are all read in one decode: they need 39 MB with a vocabulary of 152,000 tokens.
    static let chunk = 64
    /// The largest number of tokens of an aligned decode: a multiple of `unit`, or 0 if there are no aligned decodes.
    let alignedBatchLimit: Int
    /// The largest number of tokens of a narrow decode.
    let decodeBatchLimit: Int

    /// Whether the whole chunks of a prompt are always computed in aligned decodes. In a unified KV cache rounding depends
    /// on the order of cells anyway, and a chunk that would stall running sequences for too long may be smaller.
    let keepsWholeChunks: Bool

    /// Whether aligned decodes have all tokens of prompts, at least two of each, and narrow decodes have generated tokens
    /// only, one of each sequence: the rule of plain attention.
    let separatesSingleTokens: Bool

    /// Chooses the sizes.
    ///
    /// - Parameters:
    ///   - microBatchSize: the largest number of tokens that are computed at once.
    ///   - isReproducible: whether the two kinds are separated; otherwise all decodes are narrow and large.
    ///   - usesUnifiedKV: whether sequences share a KV cache. Then ggml counts the tokens of all sequences, otherwise
    ///     of each by itself.
    ///   - usesFlashAttention: the method of attention.
    init(microBatchSize: Int, isReproducible: Bool, usesUnifiedKV: Bool, usesFlashAttention: Bool = true) {
        keepsWholeChunks = isReproducible && !usesUnifiedKV
        separatesSingleTokens = keepsWholeChunks && !usesFlashAttention && microBatchSize > 3
        if separatesSingleTokens {
            alignedBatchLimit = microBatchSize
        } else {
            alignedBatchLimit = isReproducible ? microBatchSize / Self.chunk * Self.chunk : 0
        }
        decodeBatchLimit = isReproducible && usesUnifiedKV ? min(microBatchSize, Self.chunk - 1) : microBatchSize
    }

    /// The unit of an aligned decode, in tokens.
    var unit: Int { separatesSingleTokens ? 1 : Self.chunk }

    /// The smallest number of tokens of a prompt that are computed although the cache has them: the logits of the last one
    /// are needed, and it must have the rounding that it has without reuse.
    var smallestRest: Int { separatesSingleTokens ? 2 : 1 }

    /// The pending tokens `start..<end` of a history that can be computed next, and the kind of decode.
    ///
    /// - Parameter promptCount: the number of prompt tokens at the beginning of the history.
    func next(from start: Int, to end: Int, promptCount: Int) -> (count: Int, isAligned: Bool) {
        if separatesSingleTokens {
            let promptEnd = min(end, promptCount)
            return start < promptEnd ? (promptEnd - start, true) : (1, false)
        }
        let alignedEnd = alignedBatchLimit > 0 ? min(end, promptCount) / Self.chunk * Self.chunk : 0
        // Generated tokens are many at once when a generation is continued; they belong to narrow decodes.
        if start >= alignedEnd {
            return (alignedBatchLimit > 0 ? min(end - start, Self.chunk - 1) : end - start, false)
        }
        // A KV cache that cannot be cut at a multiple of the chunk begins in between.
        let beyond = start % Self.chunk
        return beyond == 0 ? (alignedEnd - start, true) : (Self.chunk - beyond, false)
    }

    /// The number of prompt tokens that are computed in aligned decodes.
    func alignedEnd(promptCount: Int) -> Int {
        alignedBatchLimit > 0 ? promptCount / unit * unit : promptCount
    }

    /// How many of `count` cached prompt tokens are reused, so that the remaining tokens are computed in the same kind
    /// of decode as without reuse.
    func reusable(_ count: Int, promptCount: Int) -> Int {
        if separatesSingleTokens {
            return count < promptCount ? max(0, min(count, promptCount - smallestRest)) : count
        }
        return alignedBatchLimit > 0 && count < promptCount / Self.chunk * Self.chunk
            ? count / Self.chunk * Self.chunk : count
    }
}
