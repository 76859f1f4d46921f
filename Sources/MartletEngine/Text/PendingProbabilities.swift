import MartletProtocol

/// Keeps what is known of tokens until it is certain that their text belongs to the answer.
struct PendingProbabilities: Sendable {
    private var held: [(start: Int, end: Int, probabilities: TokenProbabilities)] = []

    /// - Parameters:
    ///   - start: how many bytes all tokens before have.
    ///   - end: the same with this token.
    mutating func add(_ probabilities: TokenProbabilities, start: Int, end: Int) {
        held.append((start, end, probabilities))
    }

    /// Lets those out whose text is certain: all of it among the first `count` bytes.
    mutating func release(certain count: Int) -> [TokenProbabilities] {
        var released = 0
        while released < held.count, held[released].end <= count { released += 1 }
        return removeFirst(released)
    }

    /// A stop text begins behind `count` bytes: lets those out that have text before it, and forgets the others.
    mutating func stop(at count: Int) -> [TokenProbabilities] {
        var released = 0
        while released < held.count, held[released].start < count || held[released].end <= count { released += 1 }
        defer { held = [] }
        return removeFirst(released)
    }

    /// Lets all out.
    mutating func finish() -> [TokenProbabilities] { removeFirst(held.count) }

    private mutating func removeFirst(_ count: Int) -> [TokenProbabilities] {
        guard count > 0 else { return [] }
        defer { held.removeFirst(count) }
        return held[..<count].map(\.probabilities)
    }
}
