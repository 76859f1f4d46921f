/// One sequence of the context. Used by the engine's thread alone.
struct Slot {
    let index: Int
    var generation: Generation?
    /// Tokens in memory: the beginning of the generation's history, or of `tokens` while idle.
    var memoryCount = 0
    /// While idle, the tokens in memory.
    var tokens: [Int32] = []
    /// Turn in which it was last used.
    var lastUsed: UInt64 = 0

    init(index: Int) { self.index = index }

    var pending: Int { generation.map { $0.history.count - memoryCount } ?? 0 }

    /// Whether the one token that is not in memory is the last one written.
    var isWriting: Bool {
        guard let generation else { return false }
        return generation.predicted > 0 && pending == 1
    }
}
