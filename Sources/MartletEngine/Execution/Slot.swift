import MartletProtocol

/// One slot: a sequence id of libllama and the tokens in its KV cache. Thread: the engine thread only.
struct Slot {
    let index: Int
    var sequence: EngineSequence?
    /// The number of cached tokens: a prefix of the sequence's history, or of `tokens` while the slot is idle.
    var cachedTokenCount = 0
    /// The slot that shares its first tokens with this one, and their number. Shared tokens need no cells of their own.
    var sharing: (slot: Int, count: Int)?
    /// The cached tokens while the slot is idle; empty while it has a sequence.
    var tokens: [Int32] = []
    /// The adapters that the cached tokens were computed with.
    var adapters: [AdapterScale] = []
    /// The number of the step in which the slot was last used.
    var lastUsed: UInt64 = 0

    init(index: Int) { self.index = index }

    /// Whether the slot has a sequence that cannot be swapped out now.
    var isBusy: Bool { sequence.map { !$0.isResting } ?? false }

    /// The number of cached tokens that are not shared with another slot.
    var ownTokenCount: Int { cachedTokenCount - min(cachedTokenCount, sharing?.count ?? 0) }

    /// The cached tokens that a new prompt may reuse; empty after a context shift, because the cached values then
    /// depend on dropped tokens.
    var cachedTokens: ArraySlice<Int32> {
        guard let sequence else { return tokens[...] }
        return sequence.isTruncated ? [] : sequence.history.prefix(cachedTokenCount)
    }

    var pendingTokenCount: Int { sequence.map { $0.history.count - cachedTokenCount } ?? 0 }

    /// Whether exactly one token is pending, and it is the last generated one.
    var isDecoding: Bool {
        guard let sequence else { return false }
        return sequence.predictedCount > 0 && pendingTokenCount == 1
    }
}
