import MartletTestSupport
import Testing

@testable import MartletGrammar

/// Masks, sets and tries of random vocabularies, compared with the definition of a grammar's texts.
@Suite struct VocabularyLawsTests {
    private static func bytes(
        of letters: [UInt8], _ counts: ClosedRange<Int>, _ random: inout SeededGenerator
    ) -> [UInt8] {
        (0..<Int.random(in: counts, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0 }
    }

    /// Protects masks as a whole: a token is allowed exactly if the text with it begins a text of the grammar, and the
    /// end exactly if the text is one.
    @Test(arguments: 0..<3) func masksFollowFromTheDefinition(seed: UInt64) throws {
        var random = SeededGenerator(seed: 60 + seed)
        var checked = 0
        for _ in 0..<60 {
            let source = RandomGrammar(using: &random)
            guard let grammar = source.grammar() else { continue }
            // Token 0 ends the generation, token 1 is a control token.
            let words = (0..<20).map { _ in Self.bytes(of: RandomGrammar.letters, 1...3, &random) }
            let texts: [[UInt8]] = [[], []] + words
            let vocabulary = TokenVocabulary(count: texts.count, endOfGeneration: [0]) {
                $0 < 2 ? nil : texts[Int($0)][...]
            }
            let machine = TokenMachine(try grammar.program { _ in nil }, vocabulary: vocabulary)
            let matcher = TokenMatcher(machine)
            var written: [UInt8] = []
            for _ in 0..<3 {
                let words = Array(matcher.mask())
                let allowed = (0..<texts.count).filter { words[$0 >> 6] >> UInt64($0 & 63) & 1 != 0 }
                let expected = (0..<texts.count).filter { token in
                    switch token {
                    case 0: source.membership(written).isWhole
                    case 1: false
                    default: source.membership(written + texts[token]).isBeginning
                    }
                }
                #expect(allowed == expected, "\(written) of \(source)")
                checked += 1
                // A draft counts as far as its text is a beginning.
                let draft = (0..<2).map { _ in Int.random(in: 2..<texts.count, using: &random) }
                let count = (0...2).last { count in
                    source.membership(written + draft.prefix(count).flatMap { texts[$0] }).isBeginning
                }
                #expect(matcher.allowedCount(of: draft.map { Int32($0) }) == count)
                guard let token = allowed.filter({ $0 > 0 }).randomElement(using: &random) else { break }
                let isAccepted = matcher.accept(Int32(token))
                #expect(isAccepted)
                written += texts[token]
            }
        }
        #expect(checked > 20)
    }

    /// Protects the order of tokens with long common beginnings, and with bytes of 0.
    @Test func triesAreInTheOrderOfTexts() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<40 {
            var texts = (0..<30).map { _ in Self.bytes(of: [0, 1, 255], 0...11, &random) }
            texts += texts.shuffled(using: &random).prefix(5)
            var (bytes, offsets) = ([UInt8](), [UInt32(0)])
            for text in texts {
                bytes += text
                offsets.append(UInt32(bytes.count))
            }
            let sorted = bytes.withUnsafeBufferPointer { TokenTrie.sorted($0, offsets) }
            let expected = texts.indices.filter { !texts[$0].isEmpty }.sorted { left, right in
                if texts[left] != texts[right] { return texts[left].lexicographicallyPrecedes(texts[right]) }
                return left < right
            }
            #expect(sorted.map { Int($0) } == expected)
            let unique = sorted.enumerated().filter { index, token in
                index == 0 || texts[Int(sorted[index - 1])] != texts[Int(token)]
            }.map(\.element)
            let trie = TokenTrie(unique, bytes, offsets)
            // The nodes are the beginnings of all texts.
            var beginnings: Set<[UInt8]> = []
            for text in unique.map({ texts[Int($0)] }) {
                for count in 1...text.count { beginnings.insert(Array(text[..<count])) }
            }
            #expect(trie.nodes.count == beginnings.count)
            #expect(trie.nodes.map(\.token).filter { $0 >= 0 } == unique)
        }
    }

    @Test func setsOfTokensAreSets() {
        var random = SeededGenerator(seed: 5)
        for count in [1, 63, 64, 65, 200] {
            var (set, model) = (TokenSet(count: count), Set<Int32>())
            for _ in 0..<count {
                let token = Int32.random(in: 0..<Int32(count), using: &random)
                set.insert(token)
                model.insert(token)
            }
            #expect((0..<Int32(count)).filter { set.contains($0) } == model.sorted())
            let bits = set.words.reduce(0) { $0 + $1.nonzeroBitCount }
            #expect(set.words.count == (count + 63) / 64 && bits == model.count)
        }
    }

    /// Protects the decoder of safe text from each byte that UTF-8 does not admit.
    @Test func safeTextIsUTF8WithoutSpecialBytes() {
        var random = SeededGenerator(seed: 6)
        let letters: [UInt8] = [
            0x41, 0x22, 0x5C, 0x1F, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0,
            0xF1, 0xF4, 0xF5, 0xBF, 0x80,
        ]
        for _ in 0..<3_000 {
            let bytes = Self.bytes(of: letters, 1...4, &random)
            let scalars = String(validating: bytes, as: UTF8.self)?.unicodeScalars
            let special: [UInt32] = [0x22, 0x5C, 0x7F]
            let isSafe = scalars?.allSatisfy { $0.value >= 0x20 && !special.contains($0.value) } ?? false
            #expect(SafeText.characterCount(bytes) == (isSafe ? scalars?.count : nil), "\(bytes)")
        }
    }
}
