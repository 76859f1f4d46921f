/// The texts of a vocabulary's tokens, arranged for masks.
///
/// Built once per model and then immutable; any thread may read it. 152,000 tokens need some 10 MB.
package final class TokenVocabulary: Sendable {
    package let count: Int
    /// The tokens that end a generation.
    let endOfGeneration: [Int32]
    /// The other tokens without text.
    let controls: [Int32]
    private let bytes: [UInt8]
    /// Token `i` is `bytes[offsets[i]..<offsets[i + 1]]`; empty for a token without text.
    private let offsets: [UInt32]

    /// Tokens of ASCII letters and digits.
    let words: TokenTrie
    /// Other tokens of up to `longestSafe` characters of safe text: whole UTF-8 characters, no control characters, no
    /// quotation marks and no backslashes.
    let safe: TokenTrie
    /// All other tokens.
    let rest: TokenTrie
    /// Tokens with the same text as an earlier token, which stands for them in the tries.
    let duplicates: [(token: Int32, of: Int32)]
    /// Tokens in which an item of an array may end, and tokens in which an array may begin and an item of it end.
    let itemEnds: [Int32]
    let itemLists: [Int32]
    /// The tokens of `words` as a set.
    let wordSet: TokenSet
    /// For each length, the tokens of `words` and `safe` with at most so many characters.
    let safeSets: [TokenSet]

    /// The characters of the longest token that is treated as safe.
    static let longestSafe = 16

    /// Arranges a vocabulary.
    ///
    /// - Parameter text: the bytes of a token; `nil` for a token without text, such as a control token or one that ends
    ///   a generation.
    package init(count: Int, endOfGeneration: [Int32], text: (Int32) -> ArraySlice<UInt8>?) {
        self.count = count
        self.endOfGeneration = endOfGeneration
        var bytes: [UInt8] = []
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(count + 1)
        for token in 0..<count {
            if let text = text(Int32(token)) { bytes += text }
            offsets.append(UInt32(bytes.count))
        }
        self.bytes = bytes
        self.offsets = offsets
        let ends = (0..<Int32(count)).filter { token in
            bytes[Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])].contains {
                $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "]")
            }
        }
        itemEnds = ends
        itemLists = ends.filter { token in
            let text = bytes[Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])]
            guard let start = text.firstIndex(of: UInt8(ascii: "[")) else { return false }
            return text[start...].contains(UInt8(ascii: ","))
        }
        controls = (0..<Int32(count)).filter {
            offsets[Int($0)] == offsets[Int($0) + 1] && !endOfGeneration.contains($0)
        }

        var words: [Int32] = []
        var safe: [Int32] = []
        var rest: [Int32] = []
        var wordSet = TokenSet(count: count)
        var safeSets = [TokenSet](repeating: TokenSet(count: count), count: Self.longestSafe + 1)
        var duplicates: [(Int32, Int32)] = []
        bytes.withUnsafeBufferPointer { bytes in
            let sorted = TokenTrie.sorted(bytes, offsets)
            var last: Int32 = -1
            for token in sorted {
                let text = TokenTrie.text(token, bytes, offsets)
                if last >= 0, TokenTrie.text(last, bytes, offsets).elementsEqual(text) {
                    duplicates.append((token, last))
                    continue
                }
                last = token
                let length = SafeText.characterCount(text)
                guard let length, length <= Self.longestSafe else {
                    rest.append(token)
                    continue
                }
                for limit in length...Self.longestSafe { safeSets[limit].insert(token) }
                if text.allSatisfy(SafeText.isWordByte) {
                    words.append(token)
                    wordSet.insert(token)
                } else {
                    safe.append(token)
                }
            }
        }
        self.duplicates = duplicates
        self.wordSet = wordSet
        self.safeSets = safeSets
        self.words = TokenTrie(words, bytes, offsets)
        self.safe = TokenTrie(safe, bytes, offsets)
        self.rest = TokenTrie(rest, bytes, offsets)
    }

    /// The kind of a token.
    func kind(of token: Int32) -> TokenKind {
        guard text(token).isEmpty else { return .text }
        return endOfGeneration.contains(token) ? .end : .control
    }

    /// The bytes of a token; empty for a token without text.
    @inline(__always)
    func text(_ token: Int32) -> ArraySlice<UInt8> {
        bytes[Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])]
    }
}

/// A set of tokens as bits.
package struct TokenSet: Sendable, Equatable {
    package private(set) var words: [UInt64]

    /// Creates an empty set over `count` tokens.
    package init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    /// Adds a token.
    package mutating func insert(_ token: Int32) { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }

    /// Whether a token is in the set.
    package func contains(_ token: Int32) -> Bool { words[Int(token) >> 6] >> UInt64(token & 63) & 1 != 0 }
}

/// Text that is never special in a JSON string: UTF-8 without control characters, quotation marks and backslashes.
///
/// A decoder of UTF-8 with eight states: 0 between characters, 1 to 3 with so many bytes to follow, 4 to 7 after a
/// first byte that restricts the second.
enum SafeText {
    /// The number of states.
    static let stateCount = 8
    static let boundary = 0

    /// The state after a byte; `nil` if the byte cannot come there.
    static func next(_ state: Int, _ byte: UInt8) -> Int? {
        switch (state, byte) {
        case (0, 0x22), (0, 0x5C): nil
        case (0, 0x20...0x7E): 0
        case (0, 0xC2...0xDF): 1
        case (0, 0xE0): 4
        case (0, 0xED): 5
        case (0, 0xE1...0xEF): 2
        case (0, 0xF0): 6
        case (0, 0xF1...0xF3): 3
        case (0, 0xF4): 7
        case (1, 0x80...0xBF): 0
        case (2, 0x80...0xBF), (4, 0xA0...0xBF), (5, 0x80...0x9F): 1
        case (3, 0x80...0xBF), (6, 0x90...0xBF), (7, 0x80...0x8F): 2
        default: nil
        }
    }

    /// The bytes that safe text may begin with.
    static let firstBytes = ByteSet((0...255).filter { next(boundary, $0) != nil })

    /// Whether a byte is an ASCII letter or digit.
    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// The number of characters of a text; `nil` if it is empty or not safe.
    static func characterCount(_ text: some Collection<UInt8>) -> Int? {
        var state = boundary
        var count = 0
        for byte in text {
            guard let next = next(state, byte) else { return nil }
            state = next
            if state == boundary { count += 1 }
        }
        return state == boundary && count > 0 ? count : nil
    }
}
