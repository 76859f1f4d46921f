/// Tokens that a command inserted into the output of a generation. They raise the token limit by their number, because
/// the model does not generate them.
package struct InjectedTokens: Sendable, Equatable {
    /// The indexes among the output tokens.
    package var range: Range<Int>
    /// Whether the tokens opened a new turn: they have no text, and none of them ends the generation.
    package var opensTurn: Bool

    /// - Parameter range: not empty.
    package init(_ range: Range<Int>, opensTurn: Bool) {
        self.range = range
        self.opensTurn = opensTurn
    }
}

extension [InjectedTokens] {
    /// The number of all tokens.
    package var tokenCount: Int { reduce(0) { $0 + $1.range.count } }

    /// Removes the tokens from index `count` on.
    package mutating func cut(to count: Int) {
        for index in indices { self[index].range = self[index].range.clamped(to: 0..<count) }
        removeAll(where: \.range.isEmpty)
    }
}
