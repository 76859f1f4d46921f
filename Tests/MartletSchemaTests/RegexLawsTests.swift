import MartletGrammar
import MartletTestSupport
import Testing

@testable import MartletSchema

/// Random patterns, compared with a matcher that backtracks over all possibilities.
@Suite struct RegexLawsTests {
    /// A pattern, with a reference matcher for it.
    private indirect enum Pattern {
        case letters(String, Set<Character>)
        case sequence([Pattern])
        case choice([Pattern])
        case repetition(Pattern, Int, Int?, String)
        case start, end
        case boundary(Bool)
        case lookahead(Pattern, Bool)

        var text: String {
            switch self {
            case .letters(let text, _): text
            case .sequence(let parts): parts.map(\.text).joined()
            case .choice(let parts): "(?:" + parts.map(\.text).joined(separator: "|") + ")"
            case .repetition(let part, _, _, let sign): "(?:\(part.text))\(sign)"
            case .start: "^"
            case .end: "$"
            case .boundary(let isShort): isShort ? "\\b" : "\\B"
            case .lookahead(let part, let isNegated): "(?\(isNegated ? "!" : "=")\(part.text))"
            }
        }

        /// The positions at which a match that begins at `start` may end.
        func ends(_ text: [Character], _ start: Int) -> Set<Int> {
            switch self {
            case .letters(_, let set): return start < text.count && set.contains(text[start]) ? [start + 1] : []
            case .sequence(let parts):
                return parts.reduce([start]) { starts, part in
                    starts.reduce(into: []) { $0.formUnion(part.ends(text, $1)) }
                }
            case .choice(let parts): return parts.reduce(into: []) { $0.formUnion($1.ends(text, start)) }
            case .repetition(let part, let minimum, let maximum, _):
                var (starts, result): (Set<Int>, Set<Int>) = ([start], [])
                // More rounds than there are letters reach nothing new.
                for round in 0...minimum + text.count {
                    if round >= minimum { result.formUnion(starts) }
                    if round == maximum { break }
                    starts = starts.reduce(into: []) { $0.formUnion(part.ends(text, $1)) }
                }
                return result
            case .start: return start == 0 ? [start] : []
            case .end: return start == text.count ? [start] : []
            case .boundary(let isShort):
                let before = start > 0 && text[start - 1] != "-"
                let behind = start < text.count && text[start] != "-"
                return (before != behind) == isShort ? [start] : []
            case .lookahead(let part, let isNegated): return part.ends(text, start).isEmpty == isNegated ? [start] : []
            }
        }

        func matches(_ text: [Character]) -> Bool { (0...text.count).contains { !ends(text, $0).isEmpty } }
    }

    private static func sample(_ depth: Int, _ random: inout SeededGenerator) -> Pattern {
        let classes: [(String, Set<Character>)] = [
            ("a", ["a"]), ("b", ["b"]), ("-", ["-"]), ("[ab]", ["a", "b"]), ("[^a]", ["b", "-"]),
            (".", ["a", "b", "-"]),
            ("\\w", ["a", "b"]), ("\\W", ["-"]), ("[^\\w]", ["-"]), ("[b-]", ["b", "-"]), ("\\x61", ["a"]),
        ]
        func inner(_ random: inout SeededGenerator) -> Pattern { sample(depth - 1, &random) }
        func several(_ random: inout SeededGenerator) -> [Pattern] {
            (0..<Int.random(in: 1...3, using: &random)).map { _ in inner(&random) }
        }
        switch depth == 0 ? 0 : Int.random(in: 0..<10, using: &random) {
        case 1, 2, 3: return .sequence(several(&random))
        case 4: return .choice(several(&random))
        case 5, 6:
            let signs: [(Int, Int?, String)] = [
                (0, nil, "*"), (1, nil, "+"), (0, 1, "?"), (2, 2, "{2}"), (1, 3, "{1,3}"), (2, nil, "{2,}"),
                (0, nil, "*?"),
            ]
            let (minimum, maximum, sign) = signs[Int.random(in: 0..<signs.count, using: &random)]
            // `RegexTests` has the repetitions of assertions.
            var part = inner(&random)
            if case .sequence = part {} else { part = .letters("a", ["a"]) }
            return .repetition(withoutLookahead(part), minimum, maximum, sign)
        case 7: return [.start, .end, .boundary(true), .boundary(false)][Int.random(in: 0..<4, using: &random)]
        case 8: return .lookahead(inner(&random), Bool.random(using: &random))
        default:
            let (text, set) = classes[Int.random(in: 0..<classes.count, using: &random)]
            return .letters(text, set)
        }
    }

    private static func withoutLookahead(_ pattern: Pattern) -> Pattern {
        switch pattern {
        case .lookahead, .start, .end, .boundary: .letters("b", ["b"])
        case .sequence(let parts): .sequence(parts.map(withoutLookahead))
        case .choice(let parts): .choice(parts.map(withoutLookahead))
        case .repetition(let part, let minimum, let maximum, let sign):
            .repetition(withoutLookahead(part), minimum, maximum, sign)
        case .letters: pattern
        }
    }

    private static let texts: [[Character]] = {
        var texts: [[Character]] = [[]]
        var last = texts
        for _ in 0..<4 {
            last = last.flatMap { text in ["a", "b", "-"].map { text + [$0] } }
            texts += last
        }
        return texts
    }()

    @Test(arguments: 0..<6) func patternsMatchWhatTheyMean(seed: UInt64) throws {
        var random = SeededGenerator(seed: 40 + seed)
        var compiled = 0
        for _ in 0..<70 {
            let pattern = Self.sample(3, &random)
            guard let automaton = try? RegexCompiler.search(pattern.text) else { continue }
            compiled += 1
            let matching = Self.texts.filter { pattern.matches($0) }
            let found = Self.texts.filter { automaton.matches(String($0)) }
            #expect(found == matching, "\(pattern.text)")
            #expect(Self.texts.filter { !automaton.complement.matches(String($0)) } == matching, "\(pattern.text)")
        }
        #expect(compiled > 40)
    }

    /// Operations on sets of texts, compared with `Set`.
    @Test func automataOfTextsAreSets() throws {
        var random = SeededGenerator(seed: 7)
        func some(_ random: inout SeededGenerator) -> Set<String> {
            Set(Self.texts.shuffled(using: &random).prefix(Int.random(in: 0...12, using: &random)).map { String($0) })
        }
        for _ in 0..<80 {
            let (left, right) = (some(&random), some(&random))
            let (first, second) = (ScalarAutomaton(texts: Array(left)), ScalarAutomaton(texts: Array(right)))
            func texts(_ automaton: ScalarAutomaton) -> Set<String> {
                Set(Self.texts.map { String($0) }.filter { automaton.matches($0) })
            }
            #expect(texts(first) == left)
            #expect(texts(try first.union(second)) == left.union(right))
            #expect(texts(try first.intersection(second)) == left.intersection(right))
            #expect(texts(try first.subtracting(second)) == left.subtracting(right))
            #expect(first.isEmpty == left.isEmpty)
            let (minimum, maximum) = (Int.random(in: 0...3, using: &random), Int.random(in: 0...4, using: &random))
            #expect(
                texts(try first.limited(to: minimum, maximum))
                    == left.filter { minimum <= $0.count && $0.count <= maximum })
        }
    }

    @Test func setsOfScalarsAreSets() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<300 {
            let ranges = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                let low = UInt32.random(in: 0...60, using: &random)
                return low...low + UInt32.random(in: 0...9, using: &random)
            }
            let set = ScalarSet(ranges)
            for value in UInt32(0)...75 {
                let isIn = ranges.contains { $0.contains(value) }
                #expect(set.contains(value) == isIn && set.complement.contains(value) == !isIn)
            }
            #expect(zip(set.ranges, set.ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
            #expect(set.complement.complement == set && set.union(set.complement) == .all)
            #expect(set.isEmpty == ranges.isEmpty && set.union(.none) == set)
        }
    }

    /// The names of other members: any string in its only spelling, except the excluded names.
    @Test(arguments: 0..<6) func otherNamesAreAllButSome(seed: UInt64) {
        var random = SeededGenerator(seed: 60 + seed)
        let letters = ["a", "b", "é", "e\u{301}", "\"", "\\", "\n", "\u{1}", "😀", "/"]
        func name(_ random: inout SeededGenerator) -> String {
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &random)]
            }.joined()
        }
        for _ in 0..<30 {
            let excluded = Set((0..<Int.random(in: 0...40, using: &random)).map { _ in Array(name(&random).utf8) })
            let automaton = JSONLexemes.string(otherThan: Array(excluded))
            let others = (0..<200).map { _ in Array(name(&random).utf8) }
            for name in others + Array(excluded) {
                let spelled = JSONSpelling.string(String(decoding: name, as: UTF8.self))
                #expect(
                    automaton.matches(spelled) == !excluded.contains(name),
                    "\(String(decoding: spelled, as: UTF8.self))")
                #expect(!automaton.matches(spelled.dropLast()) && !automaton.matches(spelled + [0x22]))
            }
            // An escape that a writer need not use would be another spelling of an excluded name.
            #expect(!automaton.matches(Array(#""\u0061""#.utf8)))
            let classic = automaton.trimmed()
            #expect(classic?.matches(JSONSpelling.string("none of them")) == true)
        }
    }
}
