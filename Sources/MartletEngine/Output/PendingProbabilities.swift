import MartletProtocol

/// The probabilities of tokens whose text may still become part of a stop string.
///
/// Entries are in the order of tokens; each is released together with the text of its token.
struct PendingProbabilities: Sendable {
    private var held: [(start: Int, end: Int, probabilities: TokenProbabilities)] = []

    /// Appends the probabilities of the next token.
    ///
    /// - Parameters:
    ///   - start: the number of bytes of all earlier tokens.
    ///   - end: the number of bytes including this token.
    mutating func add(_ probabilities: TokenProbabilities, start: Int, end: Int) {
        held.append((start, end, probabilities))
    }

    /// Removes and returns the entries whose text is certain: it lies within the first `count` bytes.
    mutating func release(certain count: Int) -> [TokenProbabilities] {
        var released = 0
        while released < held.count, held[released].end <= count { released += 1 }
        return removeFirst(released)
    }

    /// Ends at a stop string that begins at byte `count`: returns the entries that have text before it, and discards
    /// the others.
    mutating func stop(at count: Int) -> [TokenProbabilities] {
        var released = 0
        while released < held.count, held[released].start < count || held[released].end <= count { released += 1 }
        defer { held = [] }
        return removeFirst(released)
    }

    /// Removes and returns all entries.
    mutating func finish() -> [TokenProbabilities] { removeFirst(held.count) }

    private mutating func removeFirst(_ count: Int) -> [TokenProbabilities] {
        guard count > 0 else { return [] }
        defer { held.removeFirst(count) }
        return held[..<count].map(\.probabilities)
    }
}
