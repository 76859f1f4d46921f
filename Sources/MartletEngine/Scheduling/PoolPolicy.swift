/// Decides who gives up memory when the pool that all sequences share runs out.
enum PoolPolicy {
    /// A slot that holds memory.
    struct Holder: Sendable {
        var index: Int
        /// Tokens in memory.
        var tokens: Int
        /// Larger = later. For a running generation the time of its arrival.
        var time: UInt64
        var isRunning: Bool
    }

    enum Action: Sendable, Equatable {
        /// Forget what an idle slot holds.
        case clear(Int)
        /// Stop a running generation, and start it again when there is room.
        case preempt(Int)
        /// One generation has the pool to itself, and still there is no room.
        case fail(Int)
    }

    /// The next thing to do for `needed` more tokens to fit, or `nil` if they do.
    ///
    /// Idle sequences go first, the one not used for longest before others; then the youngest generation, whose work
    /// is the smallest loss. Never more than one at a time, and never the last one that runs.
    static func makeRoom(for needed: Int, capacity: Int, holders: [Holder]) -> Action? {
        let used = holders.reduce(0) { $0 + $1.tokens }
        return used + needed > capacity ? evictOne(holders) : nil
    }

    /// Whom to take memory from, whatever the sums say: the memory itself refused.
    static func evictOne(_ holders: [Holder]) -> Action? {
        if let idle = holders.filter({ !$0.isRunning && $0.tokens > 0 }).min(by: { $0.time < $1.time }) {
            return .clear(idle.index)
        }
        let running = holders.filter(\.isRunning)
        guard let youngest = running.max(by: { $0.time < $1.time }) else { return nil }
        return running.count > 1 ? .preempt(youngest.index) : .fail(youngest.index)
    }

    /// Whether a generation of `tokens` so far may start beside others that need `committed` tokens.
    ///
    /// A sixteenth of the pool stays free for growth, so that who was preempted does not come back only to be preempted
    /// again.
    static func admits(tokens: Int, committed: Int, capacity: Int) -> Bool {
        committed == 0 || committed + tokens + capacity / 16 <= capacity
    }
}
