import MartletProtocol

/// One slot of the context. Used by the engine's thread alone.
struct Slot {
    let index: Int
    var sequence: EngineSequence?
    /// Tokens in memory: the beginning of the sequence's history, or of `tokens` while idle.
    var cachedTokenCount = 0
    /// Whose memory its first tokens are in too, and how many of them: they cost nothing as long as the other has them.
    var sharing: (slot: Int, count: Int)?
    /// While idle, the tokens in memory.
    var tokens: [Int32] = []
    /// The changes of the weights that what is in memory was computed with.
    var adapters: [AdapterScale] = []
    /// Step in which it was last used.
    var lastUsed: UInt64 = 0

    init(index: Int) { self.index = index }

    /// Whether it has a sequence that does not give it up for others.
    var isBusy: Bool { sequence.map { !$0.isResting } ?? false }

    /// Tokens in memory that are nobody else's.
    var ownTokenCount: Int { cachedTokenCount - min(cachedTokenCount, sharing?.count ?? 0) }

    /// What is in memory, as far as it is what would be there had it been read in one go.
    var cachedTokens: ArraySlice<Int32> {
        guard let sequence else { return tokens[...] }
        return sequence.isTruncated ? [] : sequence.history.prefix(cachedTokenCount)
    }

    var pendingTokenCount: Int { sequence.map { $0.history.count - cachedTokenCount } ?? 0 }

    /// Whether the one token that is not in memory is the last one written.
    var isDecoding: Bool {
        guard let sequence else { return false }
        return sequence.predictedCount > 0 && pendingTokenCount == 1
    }
}
