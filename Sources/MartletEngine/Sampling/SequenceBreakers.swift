/// Texts that end a repetition, as tokens of one vocabulary.
///
/// A text can begin in the middle of one token and end in the middle of another. Therefore it is represented by its
/// heads: the tokens in which it begins, each with the tokens that complete it. A token that contains the whole text
/// needs no further tokens.
final class SequenceBreakers: Sendable {
    static let none = SequenceBreakers([:])

    private let tails: [Int32: [[Int32]]]

    init(_ tails: [Int32: [[Int32]]]) { self.tails = tails }

    /// The largest number of bytes of a text, and of tokens that complete it; the values of libllama.
    static let byteLimit = 40
    static let tailLimit = 20

    /// Finds the heads of the texts, one token of the vocabulary per call.
    struct Finder {
        private let texts: [[UInt8]]
        private var tails: [Int32: [[Int32]]] = [:]

        init(_ texts: [String]) {
            self.texts = texts.map { Array($0.utf8.prefix(byteLimit)) }.filter { !$0.isEmpty }
        }

        /// Adds the heads that `token` is.
        ///
        /// - Parameters:
        ///   - piece: the bytes of `token`.
        ///   - tokenize: computes the tokens of a text.
        mutating func add(_ token: Int32, _ piece: ArraySlice<UInt8>, tokenize: (ArraySlice<UInt8>) -> [Int32]) {
            for text in texts {
                if contains(piece, text) {
                    add(token, tail: [])
                    continue
                }
                for start in piece.indices where piece[start] == text[0] {
                    let length = min(text.count, piece.endIndex - start)
                    guard piece[start..<start + length].elementsEqual(text[..<length]) else { continue }
                    add(token, tail: Array(tokenize(text[length...]).prefix(tailLimit)))
                }
            }
        }

        private mutating func add(_ token: Int32, tail: [Int32]) {
            if tails[token]?.contains(tail) != true { tails[token, default: []].append(tail) }
        }

        var breakers: SequenceBreakers { SequenceBreakers(tails) }
    }

    /// Whether the token by itself ends a repetition.
    func isBreaker(_ token: Int32) -> Bool { tails[token]?.contains([]) ?? false }

    /// The number of tokens behind the last breaker among the last `count` tokens of `history`; `count` if there is
    /// none.
    func distance(in history: [Int32], upTo count: Int) -> Int {
        guard !tails.isEmpty else { return count }
        for distance in 0..<count {
            guard let tails = tails[history[history.count - 1 - distance]] else { continue }
            let rest = history.suffix(distance)
            var longest = -1
            for tail in tails where tail.count > longest && tail.count <= distance && rest.starts(with: tail) {
                longest = tail.count
            }
            if longest >= 0 { return distance - longest }
        }
        return count
    }
}

private func contains(_ piece: ArraySlice<UInt8>, _ text: [UInt8]) -> Bool {
    guard piece.count >= text.count else { return false }
    return (piece.startIndex...(piece.endIndex - text.count)).contains { start in
        piece[start..<start + text.count].elementsEqual(text)
    }
}
