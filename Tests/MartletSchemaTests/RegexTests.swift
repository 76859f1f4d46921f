import MartletGrammar
import Testing

@testable import MartletSchema

@Suite struct RegexTests {
    @Test(
        arguments: [
            ("^a+$", ["a", "aaa"], ["", "b", "ab"]), ("a", ["a", "xay"], ["", "xyz"]),
            ("^(?:ab|c)*$", ["", "abc", "cab"], ["a", "b"]), ("^[^a-c]$", ["d", "é", "😀"], ["a", "", "dd"]),
            ("^\\d{2,3}$", ["12", "123"], ["1", "1234", "١٢"]), ("^\\w+?\\s\\S*$", ["a b", "a "], ["a", " b"]),
            ("^.$", ["x", "😀"], ["\n", "\u{2028}", ""]), ("^[\\s\\S]$", ["\n", "x"], [""]),
            ("^$|^x", ["", "xy"], ["y"]), ("(^a|b$)", ["ax", "xb", "b"], ["xa", "bx"]), ("a$^b", [], ["ab", "a"]),
            ("\\bcat\\b", ["cat", "a cat!"], ["cats", "concat"]), ("a\\Bb", ["ab"], ["a b"]),
            ("^\\u0041\\x42\\u{1F600}\\t$", ["AB😀\t"], ["AB😀"]), ("^\\uD83D\\uDE00$", ["😀"], ["x"]),
            ("^(?!no)[a-z]+$", ["yes", "on"], ["no", "nope", ""]),
            ("^(?=.{2,3}$)a*b*$", ["ab", "aab"], ["a", "aabb"]),
            ("^a(?!b)[a-z]$", ["ac"], ["ab"]), ("^(?:x(?=y)|z)y$", ["xy", "zy"], ["x", "y"]),
            ("^(?!.*(?:a|b)c$).+$", ["ab", "cc"], ["ac", "xbc"]), ("^[]$", [], ["", "]"]), ("^[^]$", ["\n"], [""]),
            ("^[a-]$", ["a", "-"], ["b"]), ("^[\\w-.]$", ["-", ".", "a"], ["+"]), ("^a{,2}$", ["a{,2}"], ["a"]),
            ("^\\p{Lu}\\p{L}*$", ["Ärger"], ["ärger", "A1"]), ("^(?<year>\\d+)$", ["12"], ["x"]),
            ("^\\/\\.\\-$", ["/.-"], ["/x-"]), ("^\\cJ$", ["\n"], ["J"]),
            ("^(\\b)*-?(?:\\b)+a($){2}", ["a", "-a"], ["", "-", "aa"]), ("^(?:^)?a(\\B)*$", ["a"], ["b", "aa"]),
        ] as [(String, [String], [String])])
    func matchesWhatECMAScriptMatches(pattern: String, yes: [String], no: [String]) throws {
        let automaton = try RegexCompiler.search(pattern)
        for text in yes { #expect(automaton.matches(text), "\(pattern) should match \(text.debugDescription)") }
        for text in no { #expect(!automaton.matches(text), "\(pattern) should not match \(text.debugDescription)") }
    }

    @Test(arguments: [
        "(a", "a)", "[a", "*a", "a**", "a{2,1}", "\\1", "(?<=a)b", "\\k<n>", "\\q", "[b-a]", "\\p{Nothing}", "(?i)a",
        "a\\",
        "(?:(?=a)b)*", "a{2000000000}", "(?:a{1000}){1000}", "(?:(?:a|b)*a(?:a|b){30})",
    ])
    func whatCannotBeCompiledIsRefused(pattern: String) {
        #expect(throws: RegexError.self) { try RegexCompiler.search(pattern) }
    }

    @Test func groupsWithinGroupsAreLimited() {
        let deep = String(repeating: "(", count: 60_000 / 2) + String(repeating: ")", count: 60_000 / 2)
        #expect(throws: RegexError.self) { try RegexParser.parse(deep) }
    }

    @Test func operationsAreThoseOfSets() throws {
        let left = try RegexCompiler.search("^[ab]*$")
        let right = try RegexCompiler.search("b")
        for text in ["", "a", "b", "ab", "c", "cb", "aab"] {
            let (isLeft, isRight) = (left.matches(text), right.matches(text))
            #expect(try left.intersection(right).matches(text) == (isLeft && isRight))
            #expect(try left.union(right).matches(text) == (isLeft || isRight))
            #expect(try left.subtracting(right).matches(text) == (isLeft && !isRight))
            #expect(left.complement.matches(text) == !isLeft)
            #expect(left.complement.complement.matches(text) == isLeft)
        }
        #expect(try left.intersection(left.complement).isEmpty)
    }

    @Test(arguments: ["^[ab]*$", "^(?:abc)*d?$", "x", "^\\p{L}+$"])
    func lengthsAreLimits(pattern: String) throws {
        let automaton = try RegexCompiler.search(pattern)
        let limited = try automaton.limited(to: 2, 4)
        for text in ["", "a", "ab", "abab", "ababa", "abcd", "d", "abcabcd", "xx", "éé", "ééééé"] {
            let isInside = (2...4).contains(text.unicodeScalars.count)
            #expect(limited.matches(text) == (automaton.matches(text) && isInside), "\(pattern) \(text)")
        }
        #expect(limited.lengths.minimum >= 2)
        #expect(limited.lengths.maximum.map { $0 <= 4 } == true)
    }

    @Test(arguments: ["", "a", "\"", "\\", "\n", "\u{1}", "\u{1f}", "é", "\u{7f}", "\u{fffd}", "日本", "😀", "a\tb\"c\\"])
    func stringsAreSpelledAsTheWriterDoes(text: String) throws {
        let every = ScalarAutomaton.everything.jsonString()
        let one = ScalarAutomaton(texts: [text]).jsonString()
        let spelled = JSONSpelling.string(text)
        #expect(every.matches(spelled))
        #expect(one.matches(spelled))
        #expect(!one.matches(JSONSpelling.string(text + "x")))
        #expect(!ScalarAutomaton(texts: [text]).complement.jsonString().matches(spelled))
    }
}
