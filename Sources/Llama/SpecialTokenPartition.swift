/// Cuts special tokens out of text exactly as libllama does, with one rule more: trust.
///
/// libllama goes through all special tokens, the longest text first, and cuts every occurrence out of what text is
/// left; a token with a strip attribute takes the white space beside it along. Here a control or unknown token is cut
/// out only where all of its text is trusted; elsewhere its text is text.
///
/// Of two special tokens of equal length whose texts overlap, libllama's order is not specified (it sorts unstably);
/// here the lower id goes first.
package struct SpecialTokenPartition: Sendable {
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

    package enum Segment: Sendable, Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    /// Longest text first.
    private let tokens: [Token]
    /// All texts, so that one pass over a text finds which tokens occur in it at all.
    private let trie: ByteTrie

    init(_ tokens: [Token]) {
        self.tokens = tokens.filter { !$0.text.isEmpty }
            .sorted { ($1.text.count, $0.id) < ($0.text.count, $1.id) }
        trie = ByteTrie(self.tokens.map(\.text))
    }

    /// The special token with exactly that text.
    package func token(of text: [UInt8]) -> Int32? {
        tokens.first { $0.text == text }?.id
    }

    /// Cuts `text` into special tokens and the runs between them.
    ///
    /// - Parameter trusted: ranges of `text` in which control tokens count; ascending, disjoint, and not touching each
    ///   other.
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

    /// Whether one of `ranges` holds all of `range`.
    private func contains(_ range: Range<Int>, in ranges: [Range<Int>]) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < range.upperBound { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= range.lowerBound
    }

    /// As C's `isspace` in the "C" locale.
    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
