/// Drafts tokens by lookup: the last tokens of a history are searched for earlier in the same history, and what
/// followed there is the draft.
///
/// Example: in `a b c d … a b c` the last three tokens occurred before, so the draft begins with `d`. A text that
/// repeats itself (code that is edited, a quotation, a list) drafts well; other text rarely matches at all.
///
/// The index does not store the history. Every call passes the same history, to which tokens were only appended since
/// the last call; after any other change the caller calls `removeAll`.
///
/// Memory: 4 bytes per token for the chain, and 8 to 16 bytes per distinct key. Thread: one at a time.
struct NgramDraft: Sendable {
    /// A proposed continuation.
    struct Match: Equatable, Sendable {
        /// The number of last tokens of the history that also precede the continuation; at most `longestMatch`.
        var matchedCount: Int
        /// The continuation, without media items.
        var tokens: [Int32]
    }

    /// The number of last tokens that must occur before, at least 1.
    let keyLength: Int
    /// The number of earlier occurrences that are compared, the most recent ones first. It bounds the cost of a lookup.
    static let candidateLimit = 16
    /// The number of tokens up to which a longer match counts as better.
    static let longestMatch = 64

    /// The number of tokens at the beginning of the history that are in the index.
    private(set) var count = 0
    /// For each end of a key, `keyLength`, `keyLength + 1` …: the previous end of the same key, or 0.
    private var previous: [Int32] = []
    /// A hash table with linear probing: the last end of each key, or 0. Its size is a power of 2, or 0.
    private var lastEnds: [Int32] = []
    /// The number of distinct keys.
    private var keyCount = 0

    /// Creates an empty index.
    init(keyLength: Int) { self.keyLength = max(1, keyLength) }

    /// Removes all tokens, because the history was changed other than at its end. The memory is retained.
    mutating func removeAll() {
        count = 0
        keyCount = 0
        previous.removeAll(keepingCapacity: true)
        for index in lastEnds.indices { lastEnds[index] = 0 }
    }

    /// Adds the tokens that were appended to `history` since the last call.
    ///
    /// - Complexity: constant time per token, amortized.
    mutating func append(_ history: [Int32]) {
        guard history.count > count else { return }
        history.withUnsafeBufferPointer { history in
            while count < history.count {
                count += 1
                if count >= keyLength { insert(count, history) }
            }
        }
    }

    /// The continuation of the longest match, or of the most recent one of equal length.
    ///
    /// - Parameters:
    ///   - history: the history that `append` has received.
    ///   - limit: the number of tokens of the continuation. A match that reaches the end of the history repeats the
    ///     tokens between the two occurrences.
    /// - Returns: `nil` if the last `keyLength` tokens occur only once.
    /// - Complexity: `candidateLimit` comparisons of at most `longestMatch` tokens, and `limit`.
    func match(in history: [Int32], limit: Int) -> Match? {
        guard limit > 0, count == history.count, count >= keyLength else { return nil }
        return history.withUnsafeBufferPointer { history in
            var best: (end: Int, length: Int)?
            var end = Int(previous[count - keyLength])
            var compared = 0
            while end > 0, compared < Self.candidateLimit {
                let length = matchLength(end, history)
                if length > best?.length ?? 0 { best = (end, length) }
                if length == Self.longestMatch { break }
                end = Int(previous[end - keyLength])
                compared += 1
            }
            guard let best else { return nil }
            var tokens: [Int32] = []
            tokens.reserveCapacity(limit)
            for offset in 0..<limit {
                let source = best.end + offset
                let token = source < count ? history[source] : tokens[source - count]
                // Media items cannot be sampled.
                if token < 0 { break }
                tokens.append(token)
            }
            return tokens.isEmpty ? nil : Match(matchedCount: best.length, tokens: tokens)
        }
    }

    /// How many tokens before `end` equal the last tokens of the history.
    private func matchLength(_ end: Int, _ history: UnsafeBufferPointer<Int32>) -> Int {
        let longest = min(end, Self.longestMatch)
        var length = 0
        while length < longest, history[end - 1 - length] == history[count - 1 - length] { length += 1 }
        return length
    }

    private mutating func insert(_ end: Int, _ history: UnsafeBufferPointer<Int32>) {
        if keyCount * 2 >= lastEnds.count { grow(history) }
        let slot = slot(of: end, history)
        previous.append(lastEnds[slot])
        if lastEnds[slot] == 0 { keyCount += 1 }
        lastEnds[slot] = Int32(truncatingIfNeeded: end)
    }

    /// Doubles the hash table. The chain stays.
    private mutating func grow(_ history: UnsafeBufferPointer<Int32>) {
        let ends = lastEnds
        lastEnds = [Int32](repeating: 0, count: max(64, ends.count * 2))
        for end in ends where end > 0 { lastEnds[slot(of: Int(end), history)] = end }
    }

    /// The place of the key that ends before position `end`: where the same key is, or an empty place.
    private func slot(of end: Int, _ history: UnsafeBufferPointer<Int32>) -> Int {
        var hash: UInt64 = 0
        for position in (end - keyLength)..<end {
            // Multiplication by the golden ratio (Knuth) and a shift spread neighbouring ids over the table.
            hash = (hash ^ UInt64(UInt32(bitPattern: history[position]))) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        let mask = lastEnds.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while lastEnds[slot] != 0, !isSameKey(Int(lastEnds[slot]), end, history) { slot = (slot + 1) & mask }
        return slot
    }

    private func isSameKey(_ first: Int, _ second: Int, _ history: UnsafeBufferPointer<Int32>) -> Bool {
        for offset in 1...keyLength where history[first - offset] != history[second - offset] { return false }
        return true
    }
}
