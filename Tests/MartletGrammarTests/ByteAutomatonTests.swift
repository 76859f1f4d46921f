import MartletGrammar
import Testing

@Suite struct ByteAutomatonTests {
    @Test(
        arguments: [
            [0x0...0x10FFFF], [0x7F...0x80], [0x41...0x41, 0x7FF...0x800], [0xD7F0...0xE010, 0x30...0x39],
            [0xFFFE...0x10001, 0x3B1...0x3C9], [0x12345...0x23456], [0x81...0x1F5FF, 0x20...0x10FFFF],
            [0x10FFFF...0x20FFFF],
        ] as [[ClosedRange<UInt32>]])
    func characterIsExactlyItsRanges(ranges: [ClosedRange<UInt32>]) throws {
        let automaton = try #require(ByteAutomaton.character(in: ranges))
        var wrong: [UInt32] = []
        let bounds = ranges.flatMap { [Int($0.lowerBound), Int($0.upperBound)] } + [0x80, 0x800, 0xE000, 0x10000]
        let near = bounds.flatMap { $0 - 130...$0 + 130 }.filter { 0...0x10FFFF ~= $0 }
        for value in (near + stride(from: 0, through: 0x10FFFF, by: 61)).map(UInt32.init) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            if automaton.matches(UTF8.encode(scalar)!) != ranges.contains(where: { $0.contains(value) }) {
                wrong.append(value)
            }
        }
        #expect(wrong.isEmpty)
        // A surrogate, an overlong encoding, an incomplete character.
        for bytes: [UInt8] in [[0xED, 0xA0, 0x80], [0xC0, 0x80], [0xE2, 0x82]] { #expect(!automaton.matches(bytes)) }
    }

    @Test(arguments: [["</a>"], ["ab", "abab", "ba"], ["aa", "b"], ["aab", "ab"], [""]])
    func anythingEndsAtTheFirstDelimiter(delimiters: [String]) {
        let delimiters = delimiters.filter { !$0.isEmpty }
        let without = ByteAutomaton.anything(until: delimiters, consumingDelimiter: false)
        let with = ByteAutomaton.anything(until: delimiters, consumingDelimiter: true)
        let letters = Array("ab</>".utf8)
        var texts: [[UInt8]] = [[]]
        for _ in 0..<6 { texts += texts.suffix(5000).flatMap { text in letters.map { text + [$0] } } }
        for text in texts {
            let string = String(decoding: text, as: UTF8.self)
            let contains = delimiters.contains { string.contains($0) }
            #expect(without.matches(text) == !contains, "\(string)")
            let endsFirst = contains && !delimiters.contains { string.dropLast().contains($0) }
            #expect(with.matches(text) == endsFirst, "\(string)")
        }
    }

    @Test func trimmingLeavesWhatHasAnEnd() {
        // 0 –a→ 1 –b→ 2 (accepting), 0 –c→ 3 –a→ 3 (never ends)
        var rows = [[Int32]](repeating: [Int32](repeating: ByteAutomaton.dead, count: 256), count: 4)
        rows[0][0x61] = 1
        rows[1][0x62] = 2
        rows[0][0x63] = 3
        rows[3][0x61] = 3
        let automaton = ByteAutomaton(rows: rows, accepting: [false, false, true, false], start: 0)
        let trimmed = automaton.trimmed()
        #expect(trimmed?.stateCount == 3)
        #expect(trimmed?.matches(Array("ab".utf8)) == true)
        #expect(trimmed?.next(0, 0x63) == ByteAutomaton.dead)
        let nothing = ByteAutomaton(rows: rows, accepting: [false, false, false, false], start: 0)
        #expect(nothing.trimmed() == nil)
    }
}
