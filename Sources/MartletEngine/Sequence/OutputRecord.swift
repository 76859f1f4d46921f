import MartletProtocol

/// The tokens of a sequence and the text that was emitted with each of them, so that a fork can emit them again.
///
/// Invariant: the texts are adjacent slices of one buffer; `ends` has one entry per token.
struct OutputRecord: Sendable {
    private var tokens: [Int32] = []
    private var text: [UInt8] = []
    /// For each token, the offset in `text` at which its emitted text ends.
    private var ends: [UInt32] = []
    /// Probabilities by token index; empty unless the request asks for them.
    var probabilities: [Int: TokenProbabilities] = [:]
    /// The injected tokens. They do not count against the limit of generated tokens.
    var injections: [InjectedTokens] = []

    var count: Int { tokens.count }

    func token(_ index: Int) -> Int32 { tokens[index] }

    /// Appends the next token with the text that was emitted with it.
    mutating func append(_ token: Int32, _ bytes: ArraySlice<UInt8>) {
        tokens.append(token)
        text += bytes
        ends.append(UInt32(truncatingIfNeeded: text.count))
    }

    /// Removes all tokens from index `count` on, with their texts, probabilities and injections.
    mutating func cut(to count: Int) {
        tokens.removeLast(tokens.count - count)
        ends.removeLast(ends.count - count)
        text.removeLast(text.count - Int(ends.last ?? 0))
        probabilities = probabilities.filter { $0.key < count }
        injections.cut(to: count)
    }

    /// The text that was emitted with the token at `index`; may be empty.
    func text(of index: Int) -> ArraySlice<UInt8> {
        text[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
    }
}
