/// Decides which sequence loses its KV cache when the unified KV cache is full.
enum PoolPolicy {
    /// A slot with cached tokens.
    struct Holder: Sendable {
        var index: Int
        /// The number of cached tokens.
        var tokens: Int
        /// The time of the last use, or of the arrival of a running generation; larger = later.
        var time: UInt64
        var isRunning: Bool
    }

    enum Action: Sendable, Equatable {
        /// Clear the KV cache of an idle slot.
        case clear(Int)
        /// Preempt a running sequence; it is computed again when there is room.
        case preempt(Int)
        /// The only running sequence has the whole KV cache, and there is still no room: it ends.
        case fail(Int)
    }

    /// The next action that makes room for `needed` more tokens; `nil` if they fit.
    ///
    /// Idle slots are cleared first, the least recently used one before others. Then the youngest sequence is
    /// preempted, because its computation is the smallest loss. One action at a time; the last running sequence is
    /// never preempted.
    static func makeRoom(for needed: Int, capacity: Int, holders: [Holder]) -> Action? {
        let used = holders.reduce(0) { $0 + $1.tokens }
        return used + needed > capacity ? evictOne(holders) : nil
    }

    /// The next eviction, regardless of the token counts: libllama has reported that there is no room.
    static func evictOne(_ holders: [Holder]) -> Action? {
        if let idle = holders.filter({ !$0.isRunning && $0.tokens > 0 }).min(by: { $0.time < $1.time }) {
            return .clear(idle.index)
        }
        let running = holders.filter(\.isRunning)
        guard let youngest = running.max(by: { $0.time < $1.time }) else { return nil }
        return running.count > 1 ? .preempt(youngest.index) : .fail(youngest.index)
    }

    /// Whether a sequence of `tokens` tokens may start while others need `committed` tokens.
    ///
    /// A sixteenth of the KV cache stays free for growth, so that a preempted sequence is not preempted again at once.
    static func admits(tokens: Int, committed: Int, capacity: Int) -> Bool {
        committed == 0 || committed + tokens + capacity / 16 <= capacity
    }
}
