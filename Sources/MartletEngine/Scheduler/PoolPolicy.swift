/// Decides which sequence loses its KV cache when the unified KV cache is full, and which idle entry leaves it before.
enum PoolPolicy {
    /// An entry of the KV cache.
    struct Holder: Sendable {
        var index: Int
        /// The number of cached tokens.
        var tokens: Int
        /// The time of the last use, or of the arrival of a running generation; larger = later.
        var time: UInt64
        var isRunning: Bool
        var isPinned = false
        /// The number of tokens that were computed since the last use.
        var passedCount = 0
    }

    enum Action: Sendable, Equatable {
        /// Clear an idle entry.
        case clear(Int)
        /// Preempt a running sequence; it is computed again when there is room.
        case preempt(Int)
        /// The only running sequence has the whole KV cache, and there is still no room: it ends.
        case fail(Int)
    }

    /// The next eviction.
    ///
    /// Idle entries go first, the least recently used one before others, and pinned ones at last. Then the youngest
    /// sequence is preempted, because its computation is the smallest loss. The last running sequence is never
    /// preempted.
    static func evictOne(_ holders: [Holder]) -> Action? {
        let idle = holders.filter { !$0.isRunning && $0.tokens > 0 }
            .min { ($0.isPinned ? 1 : 0, $0.time) < ($1.isPinned ? 1 : 0, $1.time) }
        if let idle { return .clear(idle.index) }
        let running = holders.filter(\.isRunning)
        guard let youngest = running.max(by: { $0.time < $1.time }) else { return nil }
        return running.count > 1 ? .preempt(youngest.index) : .fail(youngest.index)
    }

    /// The number of computed tokens after which an idle entry has cost more than its way to the RAM tier and back.
    ///
    /// On a CPU every computed token passes the cells of all entries: 1.2 ns for a cell and an attention head. Both copies of
    /// a cell take as long as 50 to 100 tokens (decision 0213).
    static let patience = 256

    /// The idle entry that leaves a unified KV cache although there is room; `nil` = none.
    ///
    /// Pinned entries stay. An entry frees only the cells that it does not share, and its whole state is copied. Therefore an
    /// entry that shares half of its cells leaves after twice as many tokens.
    ///
    /// - Parameters:
    ///   - pending: the number of tokens that are about to be computed.
    ///   - ownCount: the number of cells that only this entry uses.
    static func idleForLong(_ holders: [Holder], pending: Int = 0, ownCount: (Int) -> Int) -> Int? {
        holders.filter { holder in
            !holder.isRunning && !holder.isPinned && holder.tokens > 0 && holder.passedCount + pending >= patience
                && (holder.passedCount + pending) * ownCount(holder.index) >= patience * holder.tokens
        }
        .min { $0.time < $1.time }?.index
    }

    /// How many items an idle entry keeps when it is evicted: the beginning of a long prefix stays usable, where a prefix can
    /// be continued at any position. Less than half is kept. An entry that shares the most of its cells is cleared, because
    /// the others still have them.
    ///
    /// Example: an entry of 4,000 items that are not shared keeps 1,984 of them, then 960, then 448, and is then cleared.
    ///
    /// - Parameters:
    ///   - count: the number of its items.
    ///   - ownCount: the number of cells that only this entry uses.
    static func keptCount(count: Int, ownCount: Int, kind: MemoryKind) -> Int {
        guard kind == .attention, ownCount >= 2 * smallestPart else { return 0 }
        let kept = (count - ownCount / 2 - 1) / BatchShape.chunk * BatchShape.chunk
        return kept * 2 < count ? kept : 0
    }

    /// The smallest number of cells that a partial eviction frees.
    private static let smallestPart = 256

    /// Whether a sequence of `tokens` tokens may start while others need `committed` tokens.
    ///
    /// A sixteenth of the KV cache stays free for growth, so that a preempted sequence is not preempted again at once.
    static func admits(tokens: Int, committed: Int, capacity: Int) -> Bool {
        committed == 0 || committed + tokens + capacity / 16 <= capacity
    }
}
