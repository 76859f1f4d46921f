/// Decides which idle sequence serves a new prompt.
///
/// The one that shares the longest beginning with it, if that is worth having; else an empty one; else the one that was
/// not used for longest.
enum SequencePolicy {
    struct Idle: Sendable {
        var index: Int
        /// What its memory holds, from position 0.
        var tokens: [Int32]
        /// Larger = later.
        var lastUsed: UInt64
    }

    struct Choice: Sendable, Equatable {
        var index: Int
        /// Tokens of the prompt that are in memory already and need not be computed.
        var reusable: Int
    }

    /// - Parameter reuses: whether memory may be reused at all.
    /// - Complexity: the idle sequences' common beginnings with the prompt, added up.
    static func choose(for prompt: [Int32], among idle: [Idle], reuses: Bool) -> Choice? {
        var best: (choice: Choice, lastUsed: UInt64)?
        if reuses {
            for candidate in idle {
                let common = commonPrefix(candidate.tokens, prompt)
                // A tenth, as llama-server asks: a shared system marker alone should not cost a whole conversation.
                guard common * 10 > prompt.count else { continue }
                if let best, (best.choice.reusable, best.lastUsed) >= (common, candidate.lastUsed) { continue }
                best = (Choice(index: candidate.index, reusable: common), candidate.lastUsed)
            }
        }
        if let best {
            // The last token is always computed: its scores choose the first token of the answer.
            return Choice(index: best.choice.index, reusable: min(best.choice.reusable, prompt.count - 1))
        }
        let victim = idle.min {
            ($0.tokens.isEmpty ? 0 : 1, $0.lastUsed, $0.index) < ($1.tokens.isEmpty ? 0 : 1, $1.lastUsed, $1.index)
        }
        return victim.map { Choice(index: $0.index, reusable: 0) }
    }

    static func commonPrefix(_ first: [Int32], _ second: [Int32]) -> Int {
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
