/// The sizes of the kinds of decode, and the kind that each token belongs to.
///
/// The results of ggml on CPUs depend on the number of tokens that a decode has, in a way that depends on the method of
/// attention and on the types of the weights:
///
/// | | rounds differently | prompts | generated tokens |
/// | --- | --- | --- | --- |
/// | flash attention | from 64 tokens of a sequence on | whole chunks of 64; the rest in smaller batches | smaller batches |
/// | plain attention | a single token of a sequence | two tokens or more | one by one, apart from prompts |
/// | some weights (`RowLimit`) | more than `rowLimit` tokens | chunks of 64, then the rest, alone | one by one, few at once |
///
/// Therefore each token belongs to a kind of decode that follows from its position in its own history: neither other
/// sequences nor an interruption change it.
struct BatchShape: Sendable, Equatable {
    /// The unit of an aligned decode with flash attention, in tokens. It is also the largest number of prompt tokens whose
    /// logits are all read in one decode: they need 39 MB with a vocabulary of 152,000 tokens.
    static let chunk = 64
    /// The largest number of tokens of prompts that have their first tokens together, as in one batch of llama-server.
    static let jointLimit = 2_048
    /// The largest number of tokens of an aligned decode: a multiple of `unit`, or 0 if there are no aligned decodes.
    let alignedBatchLimit: Int
    /// The largest number of tokens of a narrow decode that has generated tokens.
    let decodeBatchLimit: Int
    /// The largest number of tokens of a narrow decode that has none: the ends of prompts that begin together. In a unified
    /// KV cache their rounding depends on other sequences anyway.
    let restBatchLimit: Int

    /// Whether the whole chunks of a prompt are always computed in aligned decodes. In a unified KV cache rounding depends
    /// on the order of cells anyway, and a chunk that would stall running sequences for too long may be smaller.
    let keepsWholeChunks: Bool

    /// Whether aligned decodes have all tokens of prompts, at least two of each, and narrow decodes have generated tokens
    /// only, one of each sequence: the rule of plain attention.
    let separatesSingleTokens: Bool

    /// The largest number of generated tokens in a decode, drafts included, if more of them would round differently than
    /// one by itself; `nil` = any number. Prompts are then computed one per decode.
    let rowLimit: Int?

    /// Whether a decode may have drafts: not where several tokens of a sequence round differently than one by itself.
    let permitsDrafts: Bool

    /// Chooses the sizes.
    ///
    /// - Parameters:
    ///   - microBatchSize: the largest number of tokens that are computed at once.
    ///   - isReproducible: whether the two kinds are separated; otherwise all decodes are narrow and large.
    ///   - usesUnifiedKV: whether sequences share a KV cache. Then ggml counts the tokens of all sequences, otherwise
    ///     of each by itself.
    ///   - usesFlashAttention: the method of attention.
    ///   - rowLimit: the limit of the weights (see `RowLimit`). It applies to separate KV caches and micro-batches of a
    ///     chunk and more.
    init(
        microBatchSize: Int, isReproducible: Bool, usesUnifiedKV: Bool, usesFlashAttention: Bool = true,
        rowLimit: Int? = nil
    ) {
        keepsWholeChunks = isReproducible && !usesUnifiedKV
        self.rowLimit = keepsWholeChunks && microBatchSize >= Self.chunk ? rowLimit.map { max(1, $0) } : nil
        permitsDrafts = !keepsWholeChunks || usesFlashAttention
        separatesSingleTokens =
            keepsWholeChunks && !usesFlashAttention && microBatchSize > 3 && self.rowLimit == nil
        if separatesSingleTokens {
            alignedBatchLimit = microBatchSize
        } else {
            alignedBatchLimit = isReproducible ? microBatchSize / Self.chunk * Self.chunk : 0
        }
        decodeBatchLimit =
            self.rowLimit
            ?? (isReproducible && usesUnifiedKV ? min(microBatchSize, Self.chunk - 1) : microBatchSize)
        restBatchLimit = self.rowLimit ?? microBatchSize
    }

    /// Whether each decode of prompt tokens has those of one prompt and nothing else.
    var isolatesPrompts: Bool { rowLimit != nil }

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
        if isolatesPrompts, start >= alignedEnd {
            // The rest of a prompt is one decode: the number of its tokens decides about their rounding.
            return (start < promptCount ? min(end, promptCount) - start : 1, false)
        }
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

    /// How many of `count` cached tokens are reused, so that the remaining tokens are computed in the same kind of decode as
    /// without reuse.
    func reusable(_ count: Int, promptCount: Int) -> Int {
        if separatesSingleTokens {
            return count < promptCount ? max(0, min(count, promptCount - smallestRest)) : count
        }
        if isolatesPrompts { return count < promptCount ? count / Self.chunk * Self.chunk : count }
        return alignedBatchLimit > 0 && count < promptCount / Self.chunk * Self.chunk
            ? count / Self.chunk * Self.chunk : count
    }

    /// How many items of a state that was saved are reused.
    ///
    /// - Parameters:
    ///   - length: the number of items that the state and the prompt have in common.
    ///   - stateCount: the number of items of the state.
    /// - Returns: a number of items behind which the prompt is computed as without reuse; all items if the prompt goes on
    ///   where the state ends: generated items have the rounding of single tokens, in whatever way the rest is computed.
    func reusable(_ length: Int, ofState stateCount: Int, promptCount: Int) -> Int {
        let longest = max(0, min(length, promptCount - smallestRest))
        return length == stateCount && length < promptCount ? longest : longest / unit * unit
    }
}
