import MartletProtocol

/// One sequence of the context. Used by the engine's thread alone.
struct Slot {
    let index: Int
    var generation: Generation?
    /// Tokens in memory: the beginning of the generation's history, or of `tokens` while idle.
    var memoryCount = 0
    /// Whose memory its first tokens are in too, and how many of them: they cost nothing as long as the other has them.
    var sharing: (slot: Int, count: Int)?
    /// While idle, the tokens in memory.
    var tokens: [Int32] = []
    /// The changes of the weights that what is in memory was computed with.
    var adapters: [AdapterScale] = []
    /// Turn in which it was last used.
    var lastUsed: UInt64 = 0

    init(index: Int) { self.index = index }

    /// Whether it has a generation that does not give it up for others.
    var isBusy: Bool { generation.map { !$0.isResting } ?? false }

    /// Tokens in memory that are nobody else's.
    var ownCount: Int { memoryCount - min(memoryCount, sharing?.count ?? 0) }

    /// What is in memory, as far as it is what would be there had it been read in one go.
    var memory: ArraySlice<Int32> {
        guard let generation else { return tokens[...] }
        return generation.isTruncated ? [] : generation.history.prefix(memoryCount)
    }

    var pending: Int { generation.map { $0.history.count - memoryCount } ?? 0 }

    /// Whether the one token that is not in memory is the last one written.
    var isWriting: Bool {
        guard let generation else { return false }
        return generation.predicted > 0 && pending == 1
    }
}
