/// Positions at which a text can be split without changing its tokens.
///
/// If no token's text contains a certain pair of bytes, every tokenization has a token boundary between them, so the
/// merges on one side do not depend on the other. With GPT-style vocabularies `e` and space is such a pair: "the| end".
/// A pre-tokenizer may still look across the boundary. Therefore `Vocabulary.tokenizeStep` compares the tokens around
/// each position with and without the split.
package struct SplitPoints: Sendable {
    /// One bit per pair of bytes that occurs in a token's text.
    private var pairs = [UInt64](repeating: 0, count: 1 << 10)
    /// The last bytes of special tokens that remove white space behind them.
    private var strippersOfNext: Set<UInt8> = []
    /// The first bytes of special tokens that remove white space before them.
    private var strippersOfPrevious: Set<UInt8> = []
    /// Whether the tokenizer puts a space before each text. A part must then begin behind a space of the text.
    let needsSpace: Bool

    init(needsSpace: Bool) { self.needsSpace = needsSpace }

    mutating func insert(_ text: some Collection<UInt8>) {
        for (first, second) in zip(text, text.dropFirst()) {
            let pair = Int(first) << 8 | Int(second)
            pairs[pair >> 6] |= 1 << UInt64(pair & 63)
        }
    }

    mutating func insert(_ special: SpecialTokenPartition.Token) {
        insert(special.text)
        if special.attributes.contains(.stripsRight), let last = special.text.last { strippersOfNext.insert(last) }
        if special.attributes.contains(.stripsLeft), let first = special.text.first {
            strippersOfPrevious.insert(first)
        }
    }

    /// Whether `text` may be split before `position`, according to the two adjacent bytes.
    func allows(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
        guard position > 0, position < text.count else { return false }
        let (previous, next) = (text[position - 1], text[position])
        let pair = Int(previous) << 8 | Int(next)
        guard next & 0xC0 != 0x80, pairs[pair >> 6] >> UInt64(pair & 63) & 1 == 0 else { return false }
        if next == UInt8(ascii: " ") {
            return !Self.isSpace(previous) && position + 1 < text.count && !Self.isSpace(text[position + 1])
                && !strippersOfNext.contains(previous)
        }
        if needsSpace || Self.isSpace(next) { return false }
        guard Self.isSpace(previous) else { return true }
        return previous == UInt8(ascii: "\n") && position > 1 && !Self.isSpace(text[position - 2])
            && !strippersOfPrevious.contains(next)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
