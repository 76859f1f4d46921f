/// Decides which idle slot a new prompt gets, and how many of its tokens are reused.
///
/// The slot with the longest common prefix is preferred, if the prefix is long enough; then an empty slot; then the
/// least recently used slot. If another slot, idle or running, has a much longer common prefix, that prefix is copied.
enum SlotPolicy {
    struct Holder: Sendable {
        var index: Int
        /// The cached tokens, from position 0.
        var tokens: ArraySlice<Int32>
        /// The step of the last use; larger = later.
        var lastUsed: UInt64
        var isIdle = true
    }

    struct Choice: Sendable, Equatable {
        var index: Int
        /// The number of prompt tokens that are reused from the KV cache.
        var reusable: Int
        /// The slot to copy the KV cache from; `nil` = the chosen slot has it.
        var source: Int?
    }

    /// The number of additional tokens from which a copy is worth its cost.
    static let copyGain = 64

    /// Chooses a slot for a prompt.
    ///
    /// - Parameters:
    ///   - holders: idle slots that may be chosen, and other slots whose KV cache may be copied.
    ///   - reuses: whether cached tokens may be reused at all.
    /// - Returns: `nil` if no slot is idle.
    /// - Complexity: linear in the common prefixes of the prompt and all slots.
    static func choose(for prompt: [Int32], among holders: [Holder], reuses: Bool) -> Choice? {
        let victim = holders.filter(\.isIdle).min {
            ($0.tokens.isEmpty ? 0 : 1, $0.lastUsed, $0.index) < ($1.tokens.isEmpty ? 0 : 1, $1.lastUsed, $1.index)
        }
        guard let victim else { return nil }
        var own: (choice: Choice, lastUsed: UInt64)?
        var other: Choice?
        for holder in holders where reuses {
            // The last token is always computed: its logits are needed to sample the first output token.
            let common = min(commonPrefix(holder.tokens, prompt[...]), prompt.count - 1)
            if holder.isIdle {
                // A tenth of the prompt, as in llama-server: a common system delimiter should not cost a whole cached
                // conversation.
                guard common * 10 > prompt.count else { continue }
                if let own, (own.choice.reusable, own.lastUsed) >= (common, holder.lastUsed) { continue }
                own = (Choice(index: holder.index, reusable: common), holder.lastUsed)
            } else if common > other?.reusable ?? 0 {
                other = Choice(index: victim.index, reusable: common, source: holder.index)
            }
        }
        if let other, other.reusable >= (own?.choice.reusable ?? 0) + copyGain { return other }
        return own?.choice ?? Choice(index: victim.index, reusable: 0)
    }

    static func commonPrefix(_ first: ArraySlice<Int32>, _ second: ArraySlice<Int32>) -> Int {
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                let limit = min(first.count, second.count)
                var count = 0
                while count < limit, first[count] == second[count] { count += 1 }
                return count
            }
        }
    }
}
