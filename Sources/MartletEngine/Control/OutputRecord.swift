import MartletProtocol

/// An answer's tokens and what readers were told of them, so that it can be told again to the readers of a fork.
struct OutputRecord: Sendable {
    private var tokens: [Int32] = []
    private var text: [UInt8] = []
    /// For each token, where the text ends that was told with it.
    private var ends: [UInt32] = []
    /// By token, where they were asked for.
    var probabilities: [Int: TokenProbabilities] = [:]
    /// Tokens that the model did not write and that do not count against its limit.
    var injections: [(tokens: Range<Int>, isHidden: Bool)] = []

    var count: Int { tokens.count }

    func token(_ index: Int) -> Int32 { tokens[index] }

    /// Adds the next token with the text that was told with it.
    mutating func append(_ token: Int32, _ bytes: ArraySlice<UInt8>) {
        tokens.append(token)
        text += bytes
        ends.append(UInt32(truncatingIfNeeded: text.count))
    }

    mutating func cut(to count: Int) {
        tokens.removeLast(tokens.count - count)
        ends.removeLast(ends.count - count)
        text.removeLast(text.count - Int(ends.last ?? 0))
        probabilities = probabilities.filter { $0.key < count }
        for index in injections.indices { injections[index].tokens = injections[index].tokens.clamped(to: 0..<count) }
        injections.removeAll(where: \.tokens.isEmpty)
    }

    var injectedCount: Int { injections.reduce(0) { $0 + $1.tokens.count } }

    /// The text that was told with a token.
    func text(of index: Int) -> ArraySlice<UInt8> {
        text[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
    }
}
