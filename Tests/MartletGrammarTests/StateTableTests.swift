import Testing

@testable import MartletGrammar

/// Trimming of transition tables, compared with plain searches.
@Suite struct StateTableTests {
    private struct Table {
        var transitions: [Int32]
        var accepting: [Bool]
        let width = 3

        init(using random: inout some RandomNumberGenerator) {
            let count = Int.random(in: 1...9, using: &random)
            // More dead transitions than others, so that many states are hopeless or unreachable.
            transitions = (0..<count * 3).map { _ in
                Bool.random(using: &random) ? StateTable.dead : Int32.random(in: 0..<Int32(count), using: &random)
            }
            accepting = (0..<count).map { _ in Int.random(in: 0..<3, using: &random) == 0 }
        }

        init(_ transitions: [Int32], _ accepting: [Bool]) {
            (self.transitions, self.accepting) = (transitions, accepting)
        }

        func accepts(_ input: [Int], from start: Int) -> Bool {
            var state = Int32(start)
            for column in input {
                state = transitions[Int(state) * width + column]
                if state == StateTable.dead { return false }
            }
            return accepting[Int(state)]
        }

        func reached(from start: Int) -> Set<Int> {
            var seen: Set = [start]
            var pending = [start]
            while let state = pending.popLast() {
                for next in transitions[state * width..<(state + 1) * width]
                where next != StateTable.dead && seen.insert(Int(next)).inserted { pending.append(Int(next)) }
            }
            return seen
        }

        func canEnd(_ state: Int) -> Bool { reached(from: state).contains { accepting[$0] } }
    }

    private static let inputs: [[Int]] = {
        var inputs: [[Int]] = [[]]
        for length in 0..<5 {
            for input in inputs where input.count == length { inputs += (0..<3).map { input + [$0] } }
        }
        return inputs
    }()

    @Test func trimmingKeepsTheTextsAndOnlyUsefulStates() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let table = Table(using: &random)
            let start = Int.random(in: table.accepting.indices, using: &random)
            let trimmed = StateTable.trimmed(table.transitions, table.accepting, width: table.width, start: start)
            guard let trimmed else {
                #expect(!table.canEnd(start))
                continue
            }
            let other = Table(trimmed.transitions, trimmed.accepting)
            #expect(trimmed.accepting.count == table.reached(from: start).filter { table.canEnd($0) }.count)
            #expect(other.reached(from: 0).count == other.accepting.count)
            #expect(other.accepting.indices.allSatisfy { other.canEnd($0) })
            for input in Self.inputs { #expect(other.accepts(input, from: 0) == table.accepts(input, from: start)) }
            // Trimming again changes nothing.
            let again = StateTable.trimmed(trimmed.transitions, trimmed.accepting, width: table.width)
            #expect(again?.transitions == trimmed.transitions && again?.accepting == trimmed.accepting)
        }
    }

    /// A chain against the order of the states, for which the passes from the end do not suffice.
    @Test func chainsInAnyOrderAreFollowed() throws {
        let count = 500
        var transitions = [Int32](repeating: StateTable.dead, count: count)
        for state in 0..<count where state != 1 {
            transitions[state] = Int32(state == 0 ? count - 1 : state - 1)
        }
        let accepting = (0..<count).map { $0 == 1 }
        let table = try #require(StateTable.trimmed(transitions, accepting, width: 1))
        #expect(table.accepting.count == count && table.transitions.last == StateTable.dead)
        #expect(table.transitions.dropLast().enumerated().allSatisfy { $1 == Int32($0 + 1) })
        #expect(StateTable.trimmed(transitions, [Bool](repeating: false, count: count), width: 1) == nil)
    }

    /// Equal parts are one class, and parts that do not fit together are no automaton.
    @Test func inconsistentPartsAreNoAutomaton() {
        let classes = [UInt8](repeating: 0, count: 256)
        func automaton(
            _ classes: [UInt8], _ classCount: Int, _ transitions: [Int32], _ accepting: [Bool], _ start: Int
        ) -> ByteAutomaton? {
            ByteAutomaton(
                validating: classes, classCount: classCount, transitions: transitions, accepting: accepting,
                start: start)
        }
        #expect(automaton(classes, 1, [0], [true], 0)?.matches([1, 2, 3]) == true)
        #expect(automaton(classes, 1, [-1], [true], 0)?.matches([1]) == false)
        #expect(automaton(Array(classes.dropLast()), 1, [0], [true], 0) == nil)
        #expect(automaton(classes, 0, [], [true], 0) == nil)
        #expect(automaton([1] + classes.dropLast(), 1, [0], [true], 0) == nil)
        #expect(automaton(classes, 1, [0, 0], [true], 0) == nil)
        #expect(automaton(classes, 1, [1], [true], 0) == nil)
        #expect(automaton(classes, 1, [-2], [true], 0) == nil)
        #expect(automaton(classes, 1, [0], [true], 1) == nil)
        #expect(automaton(classes, 1, [], [], 0) == nil)
    }
}

/// Text that is never special in a JSON string, and the arrangement of a vocabulary by it.
@Suite struct TokenVocabularyTests {
    @Test(
        arguments: [
            ("a", 1), ("é", 1), ("日本", 2), ("😀x", 2), ("a b", 3), ("\u{FFFD}", 1), ("", nil), ("\"", nil), ("a\\", nil),
            ("\n", nil), ("\u{1F}", nil), ("\u{7F}", nil),
        ] as [(String, Int?)])
    func safeTextCountsCharacters(text: String, count: Int?) {
        #expect(SafeText.characterCount(Array(text.utf8)) == count)
    }

    @Test(
        arguments: [
            [0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xFF],
        ] as [[UInt8]])
    func textThatIsNotUTF8IsNotSafe(bytes: [UInt8]) {
        #expect(SafeText.characterCount(bytes) == nil)
    }

    /// Each token with text is in exactly one trie, or is a duplicate of one.
    @Test func eachTokenIsInOneTrie() throws {
        var random = SystemRandomNumberGenerator()
        let pieces = ["a", "B", "7", " ", "é", "\"", "\\", ",", "[", "]", "\n", "x y", "日"]
        let texts: [String?] = (0..<400).map { number in
            if number % 50 == 0 { return nil }
            return (0..<Int.random(in: 1...20, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
        }
        let vocabulary = TokenVocabulary(count: texts.count, endOfGeneration: [0]) { token in
            texts[Int(token)].map { Array($0.utf8)[...] }
        }
        var seen: [Int32: Int] = [:]
        for trie in [vocabulary.words, vocabulary.safe, vocabulary.rest] {
            for token in Self.tokens(of: trie, texts) { seen[token, default: 0] += 1 }
        }
        for (token, original) in vocabulary.duplicates {
            #expect(texts[Int(token)] == texts[Int(original)] && seen[original] == 1)
            seen[token, default: 0] += 1
        }
        for token in 0..<Int32(texts.count) {
            let text = texts[Int(token)]
            #expect(seen[token] == (text == nil ? nil : 1))
            #expect(vocabulary.kind(of: token) == (token == 0 ? .end : text == nil ? .control : .text))
            #expect(vocabulary.controls.contains(token) == (text == nil && token != 0))
            let bytes = Array((text ?? "").utf8)
            let length = SafeText.characterCount(bytes)
            // A mask adds duplicates after the sets.
            let isDuplicate = vocabulary.duplicates.contains { $0.token == token }
            for limit in 1...TokenVocabulary.longestSafe {
                #expect(
                    vocabulary.safeSets[limit].contains(token) == (!isDuplicate && length.map { $0 <= limit } ?? false))
            }
            #expect(
                vocabulary.itemEnds.contains(token)
                    == bytes.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "]") })
        }
    }

    /// The tokens of a walk through a trie; each path must spell the token's text.
    private static func tokens(of trie: TokenTrie, _ texts: [String?]) -> [Int32] {
        var tokens: [Int32] = []
        var path: [UInt8] = []
        for (index, node) in trie.nodes.enumerated() {
            path.removeSubrange(Int(node.depth)...)
            path.append(node.byte)
            #expect(Int(node.end) > index && Int(node.end) <= trie.nodes.count && path.count <= trie.height)
            guard node.token >= 0 else { continue }
            #expect(texts[Int(node.token)].map { Array($0.utf8) } == path)
            tokens.append(node.token)
        }
        return tokens
    }
}
