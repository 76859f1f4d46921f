import MartletGrammar
import Testing

@Suite struct GBNFParserTests {
    private func matches(_ grammar: String, _ text: String) throws -> Bool {
        try GBNFParser.grammar(grammar.utf8).matches(text.utf8)
    }

    @Test(
        arguments: [
            (#"root ::= "yes" | "no""#, ["yes", "no"], ["", "ye", "yesno"]),
            (#"root ::= [a-c]+ [^a-c]? ."#, ["abx", "abcdé", "a\n"], ["a", "x", "axyz"]),
            (#"root ::= "a"{2} "b"{1,} "c"{0,2} "d"{,1}"#, [], []),
            (#"root ::= "a"{2} "b"{1,} "c"{0,2}"#, ["aab", "aabbbcc"], ["ab", "aa", "aabccc"]),
            (#"root ::= ("x" | "y" "z")* "!""#, ["!", "xyz!", "yzx!"], ["y!", "z!"]),
            ("root ::= a # comment\n  \n# another\na ::=\n  \"1\" |\n  \"2\"\n", ["1", "2"], ["3"]),
            ("root ::= (\n  \"a\"\n  # inside\n  \"b\"\n) \"c\"", ["abc"], ["ab"]),
            (#"root ::= "\x41é\u00e9\U0001F98A\n\t\\\"\[\]""#, ["Aéé🦊\n\t\\\"[]"], ["A"]),
            (#"root ::= [\]\\\-a-] [-x] [a-]"#, ["--a", "]x-", "a-a"], ["b-a", "-ya"]),
            (#"root ::= [a-z\-]+"#, ["a-z", "-"], ["\\", "A"]),
            (#"root ::= [a\-z]"#, ["a", "-", "z"], ["b", "\\"]),
            (#"root ::= [\--0] [+-\-] [^\-]"#, ["-+x", ".,0", "0-+"], ["a+x", "-+-", "-.x"]),
            (#"root ::= "a\-b" "\x2D" "\u002d" "\U0000002D""#, ["a-b---"], ["a\\-b---"]),
            (#"root ::= [\]\\] [-x] [a-]"#, ["]-a", "\\x-"], ["a-a", "]ya"]),
            (#"root ::= | "a""#, ["", "a"], ["b"]),
            (#"root ::= "a"?*"#, ["", "aaa"], ["b"]),
            (#"root ::= [^]"#, ["\u{0}", "🦊"], ["ab"]),
            ("root ::= my-rule_2\r\nmy-rule_2 ::= \"a\"\r\n", ["a"], []),
            (#"root ::= "" "a" """#, ["a"], [""]),
        ] as [(String, [String], [String])])
    func textIsReadAsItIsMeant(grammar: String, whole: [String], others: [String]) throws {
        guard !whole.isEmpty else {
            #expect(throws: GrammarError.self) { try GBNFParser.grammar(grammar.utf8) }
            return
        }
        for text in whole { #expect(try matches(grammar, text), "\(text)") }
        for text in others { #expect(try !matches(grammar, text), "\(text)") }
    }

    @Test(
        arguments: [
            ("", .undefinedRule, 1, 1),
            ("a ::= \"x\"", .undefinedRule, 1, 1),
            ("root ::= \"x\"\nb ::= \"y\" c", .undefinedRule, 2, 11),
            ("root ::= a\na ::= b \"x\" | \"y\"\nb ::= \"\" a", .leftRecursion, 2, 1),
            ("root ::= \"a\"* root | \"b\"", .leftRecursion, 1, 1),
            ("root ::= a\n\na ::= \"x\" a", .deadEnd, 1, 1),
            ("root ::= \"a\"\nb ::= \"x\" b", .deadEnd, 2, 1),
            ("root ::= \"a", .syntax, 1, 10),
            ("root ::= (\"a\"", .syntax, 1, 10),
            ("root ::= \"a\")", .syntax, 1, 13),
            ("root ::= [a-z", .syntax, 1, 10),
            ("root ::= [z-a]", .syntax, 1, 12),
            ("root ::= []", .syntax, 1, 10),
            ("root ::= *", .syntax, 1, 10),
            ("root ::= ( | * )", .syntax, 1, 14),
            ("root ::= \"\\q\"", .syntax, 1, 11),
            ("root ::= \"\\uD800\"", .syntax, 1, 11),
            ("root ::= \"\\x4\"", .syntax, 1, 11),
            ("root ::= \"a\"{3,2}", .syntax, 1, 13),
            ("root ::= \"a\"{x}", .syntax, 1, 14),
            ("root ::= \"a\"{2000000000}", .limit, 1, 13),
            ("root ::= \"a\"{99999999999999999999}", .limit, 1, 13),
            ("root ::= \"a\"\nroot ::= \"b\"", .syntax, 2, 1),
            ("root = \"a\"", .syntax, 1, 6),
            ("root ::= \"a\" ::= \"b\"", .syntax, 1, 14),
            ("root ::= <[x]>", .syntax, 1, 10),
            ("root ::= <>", .syntax, 1, 10),
            ("root ::= !\"a\"", .syntax, 1, 11),
            ("%llguidance {}", .syntax, 1, 1),
            ("é ::= \"a\"", .syntax, 1, 1),
        ] as [(String, GrammarError.Kind, Int, Int)])
    func syntaxErrorIsReportedWithItsLocation(grammar: String, kind: GrammarError.Kind, line: Int, column: Int) {
        let error = #expect(throws: GrammarError.self) { try GBNFParser.grammar(grammar.utf8) }
        #expect(error?.kind == kind, "\(String(describing: error))")
        #expect(error?.line == line && error?.column == column, "\(String(describing: error))")
    }

    @Test func textThatIsNotUTF8IsRefusedWhereItIsNot() {
        let error = #expect(throws: GrammarError.self) {
            try GBNFParser.grammar(Array("root ::=\n \"".utf8) + [0xC3, 0x28] + Array("\"".utf8))
        }
        #expect(error?.kind == .syntax)
        #expect(error?.line == 2 && error?.column == 3)
    }

    @Test func groupsAreNotNestedWithoutLimit() throws {
        func nested(_ depth: Int) -> String {
            "root ::= " + String(repeating: "(", count: depth) + "\"a\"" + String(repeating: ")", count: depth)
        }
        #expect(try matches(nested(200), "a"))
        let error = #expect(throws: GrammarError.self) { try GBNFParser.grammar(nested(60_000).utf8) }
        #expect(error?.kind == .limit)
        #expect(error?.column == 210)
    }

    @Test func largeTextIsRefused() {
        let text = "root ::= \"" + String(repeating: "a", count: 1 << 20) + "\""
        #expect(throws: GrammarError.self) { try GBNFParser.grammar(text.utf8) }
    }

    @Test func tokensAreNamed() throws {
        let grammar = try GBNFParser.grammar("root ::= <[7]> <think> !<[8]> !</think>".utf8)
        #expect(Set(grammar.tokenTerms) == [.id(7), .text("<think>"), .otherThanID(8), .otherThanText("</think>")])
    }

    /// Thousands of alternatives with a common beginning are one thread.
    @Test func manyAlternativesAreFollowedTogether() throws {
        let texts = (0..<4_100).map { "item \(7 * $0)" }
        for grammar in [
            "root ::= " + texts.map { "\"\($0)\"" }.joined(separator: " | "),
            "root ::= \"<\" (" + texts.map { "\"\($0)\" [x]" }.joined(separator: " | ") + ") \">\"",
        ] {
            let parsed = try GBNFParser.grammar(grammar.utf8)
            let isEnclosed = grammar.contains("<")
            for (text, isIn) in [("item 7", true), ("item 28693", true), ("item 8", false), ("item", false)] {
                let whole = isEnclosed ? "<\(text)x>" : text
                #expect(parsed.matches(whole.utf8) == isIn, "\(whole)")
            }
            #expect(try Grammar(decoding: parsed.encoded(), limits: .standard) == parsed)
        }
    }

    /// Ambiguity that no text gets past is refused with the grammar and not during generation.
    @Test func tooManyWaysAtOnceAreRefused() {
        let rules = (0..<4_100).map { "a\($0) ::= [a-c] \"\($0)\"" }.joined(separator: "\n")
        let grammar = "root ::= " + (0..<4_100).map { "a\($0)" }.joined(separator: " | ") + "\n" + rules
        let error = #expect(throws: GrammarError.self) { try GBNFParser.grammar(grammar.utf8) }
        #expect(error?.kind == .limit && error?.message.contains("4100 continuations") == true)
    }

    /// Alternatives that begin with the same expression share its thread.
    @Test(
        arguments: [
            ("[a-z]+", "abc"), ("[a-z]* ", ""), ("([a-c] | \"xy\")+ [0-9]", "axyb7"), ("word \"-\"", "w-"),
            ("[a-z]{2,5}", "abcd"),
            ("\"(\" [a-z]+ \")\" [a-z]+", "(ab)cd"), (".", "é"), ("[a-z]+ \"=\" word", "a=w"),
        ])
    func manyAlternativesWithTheSameHeadAreFollowedTogether(head: String, text: String) throws {
        let tails = (0..<4_100).map { "\(head) \"/\(7 * $0)\"" }
        for (grammar, end) in [
            ("root ::= " + tails.joined(separator: " | "), ""),
            ("root ::= \"<\" (" + tails.joined(separator: " | ") + ") \">\"", ">"),
            ("root ::= (" + tails.map { $0 + " [x-z]+" }.joined(separator: " | ") + ")", "xyz"),
        ] {
            let parsed = try GBNFParser.grammar((grammar + "\nword ::= \"w\" | \"v\" word").utf8)
            let begin = grammar.contains("<") ? "<" : ""
            for (tail, isIn) in [("/7", true), ("/28693", true), ("/8", false), ("/", false)] {
                #expect(parsed.matches((begin + text + tail + end).utf8) == isIn, "\(text)\(tail)")
            }
            var matcher = GrammarMatcher(parsed)
            let begun = matcher.accept((begin + text + "/2").utf8)
            #expect(begun && !matcher.isOverflown)
            #expect(try Grammar(decoding: parsed.encoded(), limits: .standard) == parsed)
        }
    }

    /// Ambiguity that only shows after some text is found by exploring beginnings of texts.
    @Test(arguments: ["", #""<<" [0-9] "#, #"([0-9] | "x" [0-9])+ "#, #""(" root ")" | "#])
    func tooManyWaysBehindABeginningAreRefused(front: String) {
        // After a letter, each alternative is a thread of its own.
        let rules = (0..<4_100).map { "a\($0) ::= [a-z]+ \"\($0)\"" }.joined(separator: "\n")
        let grammar = "root ::= \(front)(" + (0..<4_100).map { "a\($0)" }.joined(separator: " | ") + ")\n" + rules
        let error = #expect(throws: GrammarError.self) { try GBNFParser.grammar(grammar.utf8) }
        #expect(error?.kind == .limit && error?.message.contains("more ways at once than the limit of 4096") == true)
        #expect(error?.line == 1 && error?.column == 1)
    }
}
