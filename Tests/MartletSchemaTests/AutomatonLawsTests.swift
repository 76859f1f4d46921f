import MartletGrammar
import Testing

@testable import MartletSchema

/// Alphabets, lists and automata over scalars, compared with sets of the standard library.
@Suite struct AutomatonLawsTests {
    private static let letters: [Unicode.Scalar] = ["a", "b", "é", "😀"]

    private static func text(_ random: inout some RandomNumberGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            text.unicodeScalars.append(letters.randomElement(using: &random) ?? "a")
        }
        return text
    }

    private static func set(_ random: inout some RandomNumberGenerator) -> ScalarSet {
        ScalarSet(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
                let low = UInt32.random(in: 0...40, using: &random)
                return low...low + UInt32.random(in: 0...9, using: &random)
            })
    }

    /// Two scalars share a class exactly if no set separates them; a merged alphabet separates what either does.
    @Test func alphabetsSeparateExactlyTheirSets() {
        var random = SystemRandomNumberGenerator()
        let scalars = Array(UInt32(0)...60) + [0xD7FF, 0x10FFFF]
        for _ in 0..<300 {
            let sets = (0..<3).map { _ in Self.set(&random) }
            let alphabet = Alphabet(separating: sets)
            func key(_ scalar: UInt32) -> [Bool] { sets.map { $0.contains(scalar) } }
            for scalar in scalars {
                let number = alphabet.classOf(scalar)
                #expect(number < alphabet.classCount && alphabet.sets[number].contains(scalar))
                for other in scalars { #expect((alphabet.classOf(other) == number) == (key(other) == key(scalar))) }
            }
            for set in sets {
                let union = alphabet.classes(in: set).reduce(ScalarSet.none) { $0.union(alphabet.sets[$1]) }
                #expect(union == set)
            }
            let other = Alphabet(separating: [Self.set(&random)])
            let (merged, pairs) = Alphabet.merged(alphabet, other)
            #expect(pairs.count == merged.classCount)
            for scalar in scalars {
                let pair = pairs[merged.classOf(scalar)]
                #expect(pair == (alphabet.classOf(scalar), other.classOf(scalar)))
            }
        }
    }

    @Test func scalarSetsBehaveLikeSets() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let (left, right) = (Self.set(&random), Self.set(&random))
            let union = left.union(right)
            for scalar in UInt32(0)...60 {
                #expect(union.contains(scalar) == (left.contains(scalar) || right.contains(scalar)))
                #expect(left.complement.contains(scalar) != left.contains(scalar))
            }
            #expect(left.complement.complement == left && left.union(left.complement) == .all)
            #expect(zip(union.ranges, union.ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
        }
        #expect(ScalarSet.none.isEmpty && ScalarSet.all.complement == .none)
        #expect(ScalarSet(scalars: "bca".unicodeScalars).ranges == [0x61...0x63])
    }

    /// Bounds on the length, as states and as a question, agree with the texts.
    @Test func lengthsAreThoseOfTheTexts() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let texts = Set((0..<Int.random(in: 0...8, using: &random)).map { _ in Self.text(&random) })
            let automaton = ScalarAutomaton(texts: texts)
            let counts = texts.map(\.unicodeScalars.count)
            if let least = counts.min() { #expect(automaton.lengths == (least, counts.max())) }
            let minimum = Int.random(in: 0...5, using: &random)
            let maximum: Int? = Bool.random(using: &random) ? nil : Int.random(in: minimum...6, using: &random)
            func fits(_ text: String) -> Bool {
                text.unicodeScalars.count >= minimum && text.unicodeScalars.count <= maximum ?? .max
            }
            let limited = try automaton.limited(to: minimum, maximum)
            #expect(try automaton.hasTexts(from: minimum, to: maximum) == texts.contains(where: fits))
            #expect(limited.isEmpty == !texts.contains(where: fits))
            for text in texts.union((0..<20).map { _ in Self.text(&random) }) {
                #expect(automaton.matches(text) == texts.contains(text))
                #expect(limited.matches(text) == (texts.contains(text) && fits(text)))
                #expect(automaton.complement.matches(text) != texts.contains(text))
            }
            let minimized = automaton.minimized
            #expect(minimized.stateCount <= automaton.stateCount && minimized.minimized == minimized)
            for text in texts { #expect(minimized.matches(text)) }
        }
        #expect(ScalarAutomaton.everything.lengths == (0, nil))
        #expect(try ScalarAutomaton.everything.hasTexts(from: 4_000, to: nil))
    }

    /// The texts of an automaton as bytes: plain, in quotes, and with the length beside the state.
    @Test func spellingsHaveTheSameTexts() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            var texts = Set((0..<5).map { _ in Self.text(&random) })
            texts.formUnion(["\"", "\\", "\n", "\u{1F}", "a'b"].filter { _ in Bool.random(using: &random) })
            let automaton = ScalarAutomaton(texts: texts)
            let budget = CompileBudget()
            let counted = try automaton.counted(quote: UInt8(ascii: "\""), 1, 2, within: budget)
            for text in texts.union((0..<10).map { _ in Self.text(&random) }) {
                let isText = texts.contains(text)
                let json = JSONSpelling.string(text)
                let isShort = (1...2).contains(text.unicodeScalars.count)
                #expect(automaton.plainText().matches(text.utf8) == isText)
                #expect(automaton.jsonString().matches(json) == isText)
                #expect(try automaton.inQuotes(within: budget).matches(json) == isText)
                #expect((counted?.matches(json) ?? false) == (isText && isShort), "\(text)")
            }
        }
    }

    @Test func listsAreNumberedInTheOrderOfArrival() {
        var random = SystemRandomNumberGenerator()
        var lists = NumberLists()
        var known: [[Int32]] = []
        for _ in 0..<5_000 {
            let list = (0..<Int.random(in: 0...3, using: &random)).map { _ in Int32.random(in: -4...9, using: &random) }
            let number = lists.number(of: list)
            if Int(number) == known.count { known.append(list) }
            #expect(known[Int(number)] == list)
        }
        #expect(lists.count == known.count && Set(known).count == known.count)
        for (number, list) in known.enumerated() { #expect(Array(lists[Int32(number)]) == list) }
    }
}
