/// The cached items of an entry that a prompt reuses at other positions: llama-server's `--cache-reuse`.
///
/// Example: a client drops the oldest messages of a long chat. The prompt has its beginning in common with the cached
/// one, and from there on the later messages, 3,000 tokens earlier. They are moved instead of computed:
///
/// ```
///  cached  system  message 1  message 2  message 3
///  prompt  system  message 2  message 3  question
///                  └──── moved ───────┘
/// ```
///
/// The moved values were computed behind message 1, so the result is an approximation.
///
/// Pure.
struct ShiftedReuse: Equatable, Sendable {
    /// The cached items to remove, in this order. Each range counts the items that are left by the removals before it.
    private(set) var removals: [Range<Int>] = []
    /// The number of prompt items that are reused, those of the common prefix included.
    private(set) var count: Int
    /// The number of reused items that are at another position than before.
    private(set) var movedCount = 0

    /// Finds runs of at least `minimum` cached items that continue a prompt.
    ///
    /// The rule is llama-server's: a run begins at the first prompt item that is not reused yet, and cached items are
    /// skipped until there is one. An item that only the prompt has therefore ends the reuse.
    ///
    /// - Parameters:
    ///   - common: the number of items that cached items and prompt have in common at the beginning.
    ///   - limit: the largest number of reused items.
    /// - Returns: `nil` if no run is found.
    /// - Complexity: O(`cached.count` · `minimum`) at worst, and linear where few items are equal.
    init?(cached: [Int32], prompt: [Int32], common: Int, minimum: Int, limit: Int) {
        guard minimum > 0 else { return nil }
        count = common
        let end = min(limit, prompt.count)
        var position = common
        while position < cached.count, count < end {
            let run = PrefixTree.commonPrefix(cached[position...], prompt[count..<end])
            guard run >= minimum else {
                position += 1
                continue
            }
            if position > count {
                let removed = removals.reduce(0) { $0 + $1.count }
                removals.append(count..<position - removed)
                movedCount += run
            }
            count += run
            position += run
        }
        guard movedCount > 0 else { return nil }
    }
}
