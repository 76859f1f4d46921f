/// Splits text at special tokens as libllama does, with one additional rule: trust.
///
/// libllama goes through all special tokens in the order of descending length, and splits the remaining text at every
/// occurrence. A token with a strip attribute also removes adjacent white space. Here a control or unknown token is
/// recognised only if its whole text is trusted; otherwise its text is plain text.
///
/// For two special tokens of equal length whose texts overlap, the order of libllama is unspecified (it sorts
/// unstably); here the lower id comes first.
package struct SpecialTokenPartition: Sendable {
    /// A special token, its text and its attributes.
    package struct Token: Sendable {
        let id: Int32
        let text: [UInt8]
        let attributes: TokenAttributes

        package init(id: Int32, text: [UInt8], attributes: TokenAttributes) {
            self.id = id
            self.text = text
            self.attributes = attributes
        }
    }

    /// A special token, or a range of plain text between special tokens.
    package enum Segment: Sendable, Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    /// In the order of descending length.
    private let tokens: [Token]
    /// The texts of all tokens, so that one pass over a text finds the tokens that occur in it.
    private let trie: ByteTrie

    init(_ tokens: [Token]) {
        self.tokens = tokens.filter { !$0.text.isEmpty }
            .sorted { ($1.text.count, $0.id) < ($0.text.count, $1.id) }
        trie = ByteTrie(self.tokens.map(\.text))
    }

    /// The special token with exactly this text; `nil` if there is none.
    package func token(of text: [UInt8]) -> Int32? {
        tokens.first { $0.text == text }?.id
    }

    /// Splits `text` into special tokens and the text between them.
    ///
    /// - Parameter trusted: the ranges of `text` in which control tokens are recognised; ascending, disjoint and not
    ///   adjacent.
    /// - Complexity: one pass over the text, and one more for each special token that occurs in it.
    package func segments(of text: UnsafeBufferPointer<UInt8>, trusted: [Range<Int>]) -> [Segment] {
        guard !text.isEmpty else { return [] }
        var segments: [Segment] = [.text(0..<text.count)]
        for rank in trie.occurring(in: text) {
            let token = tokens[rank]
            var next: [Segment] = []
            next.reserveCapacity(segments.count + 2)
            for segment in segments {
                switch segment {
                case .token: next.append(segment)
                case .text(let range): cut(token, from: range, of: text, trusted: trusted, into: &next)
                }
            }
            segments = next
        }
        return segments
    }

    private func cut(
        _ token: Token, from range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, trusted: [Range<Int>],
        into segments: inout [Segment]
    ) {
        let needsTrust = !token.attributes.isDisjoint(with: .hidden)
        var rest = range
        var searchStart = range.lowerBound
        while let match = find(token.text, in: text, from: searchStart, to: rest.upperBound) {
            let end = match + token.text.count
            if needsTrust, !contains(match..<end, in: trusted) {
                searchStart = match + 1
                continue
            }
            var leftEnd = match
            if token.attributes.contains(.stripsLeft) {
                while leftEnd > rest.lowerBound, isSpace(text[leftEnd - 1]) { leftEnd -= 1 }
            }
            if leftEnd > rest.lowerBound { segments.append(.text(rest.lowerBound..<leftEnd)) }
            segments.append(.token(token.id))
            var rightStart = end
            if token.attributes.contains(.stripsRight) {
                while rightStart < rest.upperBound, isSpace(text[rightStart]) { rightStart += 1 }
            }
            rest = rightStart..<rest.upperBound
            searchStart = rightStart
        }
        if !rest.isEmpty { segments.append(.text(rest)) }
    }

    private func find(_ needle: [UInt8], in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int? {
        let last = end - needle.count
        guard start <= last else { return nil }
        return needle.withUnsafeBufferPointer { needle in
            var position = start
            while position <= last {
                if text[position] == needle[0] {
                    var length = 1
                    while length < needle.count, text[position + length] == needle[length] { length += 1 }
                    if length == needle.count { return position }
                }
                position += 1
            }
            return nil
        }
    }

    /// Whether one of `ranges` contains all of `range`.
    private func contains(_ range: Range<Int>, in ranges: [Range<Int>]) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < range.upperBound { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= range.lowerBound
    }

    /// Equals C's `isspace` in the "C" locale.
    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
