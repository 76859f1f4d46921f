/// Decides which idle slot serves a new prompt, and what of it need not be computed.
///
/// The one that shares the longest beginning with it, if that is worth having; else an empty one; else the one that was
/// not used for longest. Where another slot, also one that runs, has a much longer beginning, that is copied.
enum SlotPolicy {
    struct Holder: Sendable {
        var index: Int
        /// What its memory holds, from position 0.
        var tokens: ArraySlice<Int32>
        /// Larger = later.
        var lastUsed: UInt64
        var isIdle = true
    }

    struct Choice: Sendable, Equatable {
        var index: Int
        /// Tokens of the prompt that are in memory already and need not be computed.
        var reusable: Int
        /// Whose memory they are in, if not its own.
        var source: Int?
    }

    /// How many tokens more another slot must have for a copy to be worth its cost.
    static let copyGain = 64

    /// - Parameters:
    ///   - holders: idle sequences that may serve the prompt, and others that have memory to copy from.
    ///   - reuses: whether memory may be reused at all.
    /// - Returns: `nil` where none is idle.
    /// - Complexity: the sequences' common beginnings with the prompt, added up.
    static func choose(for prompt: [Int32], among holders: [Holder], reuses: Bool) -> Choice? {
        let victim = holders.filter(\.isIdle).min {
            ($0.tokens.isEmpty ? 0 : 1, $0.lastUsed, $0.index) < ($1.tokens.isEmpty ? 0 : 1, $1.lastUsed, $1.index)
        }
        guard let victim else { return nil }
        var own: (choice: Choice, lastUsed: UInt64)?
        var other: Choice?
        for holder in holders where reuses {
            // The last token is always computed: its logits choose the first token of the answer.
            let common = min(commonPrefix(holder.tokens, prompt[...]), prompt.count - 1)
            if holder.isIdle {
                // A tenth, as llama-server asks: a shared system marker alone should not cost a whole conversation.
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
