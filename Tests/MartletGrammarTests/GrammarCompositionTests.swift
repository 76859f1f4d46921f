import MartletGrammar
import Testing

/// Grammars inside of others: after a trigger, after reasoning, and surrounded by free text.
@Suite struct GrammarCompositionTests {
    private static func grammar(_ text: String) throws -> Grammar { try GBNFParser.grammar(text.utf8) }

    private static let inner = #"root ::= "{" [0-9]+ "}""#

    private static func check(_ grammar: Grammar, _ yes: [String], _ beginnings: [String], _ no: [String]) {
        for text in yes { #expect(grammar.matches(text.utf8), "\(text)") }
        for text in beginnings {
            var matcher = GrammarMatcher(grammar)
            let isAccepted = matcher.accept(text.utf8)
            #expect(isAccepted && !matcher.isComplete, "\(text)")
        }
        for text in no {
            var matcher = GrammarMatcher(grammar)
            let isAccepted = matcher.accept(text.utf8)
            #expect(!isAccepted, "\(text)")
        }
    }

    @Test func anythingMayStandInFrontOfATrigger() throws {
        let grammar = try Self.grammar(Self.inner).triggered(by: [.text("CALL")], includesTrigger: false)
        Self.check(
            grammar, ["", "any text {x} CAL", "CALL{1}", "CACALL{1}"], ["CALL", "so CALL{", "CALL{12"],
            ["CALLx", "CALL{}", "CALL{1}x", "no CALL CALL{1}"])
    }

    @Test func aTriggerMayBeginTheGrammarItself() throws {
        let grammar = try Self.grammar(Self.inner).triggered(by: [.text("{")], includesTrigger: true)
        // Free text ends before the trigger, with which the grammar's own texts begin.
        Self.check(grammar, ["", "any text", "{12}", "so {1}"], ["{", "so {1"], ["{x", "{1}}", "so {1} and"])
    }

    @Test func oneOfSeveralTriggersIsEnough() throws {
        let grammar = try Self.grammar(Self.inner).triggered(by: [.text("<a>"), .text("<b>")], includesTrigger: false)
        Self.check(grammar, ["<", "<c>", "<a>{1}", "x<b>{2}"], ["<a>", "<b>{"], ["<a><b>", "<b>x"])
    }

    @Test func triggersByNumberAreTokens() throws {
        let grammar = try Self.grammar(Self.inner).triggered(by: [.token(7), .text("go")], includesTrigger: false)
        #expect(grammar.tokenTerms.contains(.id(7)))
        let program = try grammar.program { $0 == .id(7) ? .token(7) : .controlOtherThan([]) }
        #expect(throws: GrammarError.self) { try grammar.program { $0 == .id(7) ? nil : .controlOtherThan([]) } }
        _ = program
        Self.check(grammar, ["", "g", "go{1}"], ["go", "go{"], ["gox"])
    }

    @Test func reasoningStandsInFront() throws {
        let plain = try Self.grammar(Self.inner)
        let closed = try plain.afterReasoning(from: "<think>", to: "</think>", isOpen: false)
        Self.check(
            closed, ["{1}", "<think></think>{1}", "\n<think>so {x} <\n</think>\n\n{12}"],
            ["<think>", "<think>a</think>", "<think></thin", "<think></think>\n"],
            ["x", "</think>{1}", "<think></think>x", "<think>a</think>{1}<think>", "     {1}"])
        let open = try plain.afterReasoning(from: "<think>", to: "</think>", isOpen: true)
        Self.check(
            open, ["</think>{1}", "some <think> thought</think> {1}"],
            ["", "{1}", "</think>", "some </think>\n\n\n\n"],
            ["</think></think>", "</think>x", "</think>{1} "])
    }

    /// A composition does not change the texts of the included grammar.
    @Test(arguments: [#"root ::= "a"* "b""#, #"root ::= "(" root ")" | [x-z]"#, #"root ::= ("a" | "b"){2,3}"#])
    func whatStandsAroundChangesNothing(text: String) throws {
        let inner = try Self.grammar(text)
        let around = [
            ("GO", try inner.triggered(by: [.text("GO")], includesTrigger: false)),
            ("</t>", try inner.afterReasoning(from: "<t>", to: "</t>", isOpen: true)),
            ("<t></t>", try inner.afterReasoning(from: "<t>", to: "</t>", isOpen: false)),
        ]
        let texts = ["", "a", "b", "ab", "aab", "aaa", "abab", "x", "(x)", "((z))", "(x", "()", "ba", "bbb"]
        for (front, grammar) in around {
            #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
            for text in texts {
                #expect(grammar.matches((front + text).utf8) == inner.matches(text.utf8), "\(front)\(text)")
            }
        }
    }

    @Test func freeTextHoldsNoDelimiter() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let free = builder.freeText(until: ["<end>", "stop"])
        builder.define(root, as: builder.sequence([free, builder.delimiter("<end>")]))
        Self.check(
            try builder.finish(root: root), ["<end>", "any <en sto<end>", "<<end>"], ["", "any", "sto", "<end"],
            ["stop", "x stop", "<end>x"])
    }

    /// Parts of a delimiter in angle brackets may be control tokens.
    @Test(
        arguments: [
            ("<think>", [.controlToken("<think>")]), ("plain", [.controlToken("plain")]),
            ("<|a|>user<|b|>\n", [.controlToken("<|a|>"), .controlToken("<|b|>")]), ("x<a>", [.controlToken("<a>")]),
            ("a < b", [.controlToken("a < b")]), ("", []),
        ] as [(String, [TokenTerm])])
    func delimitersAreSplitAtTheirTags(text: String, terms: [TokenTerm]) throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.sequence([builder.text("["), builder.delimiter(text), builder.text("]")]))
        let grammar = try builder.finish(root: root)
        #expect(grammar.tokenTerms == terms)
        // As bytes, the delimiter is its text.
        #expect(grammar.matches("[\(text)]".utf8) && !grammar.matches("[\(text)x]".utf8))
    }

    /// After `removeAll(since:)`, a builder behaves as if the removed nodes had never been added.
    @Test func builderReturnsToACheckpoint() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let kept = builder.text("kept")
        let checkpoint = builder.checkpoint
        for round in 0..<3 {
            let (rule, isNew) = builder.sharedRule(named: "shared")
            #expect(isNew)
            builder.define(rule, as: builder.characters([0x400...0x500 + UInt32(round)]))
            _ = builder.sequence([kept, builder.reference(rule), builder.text("\(round)")])
            #expect(builder.automatonCount == 1)
            builder.removeAll(since: checkpoint)
            #expect(builder.automatonCount == 0)
        }
        builder.define(root, as: builder.sequence([kept, builder.text("!")]))
        let grammar = try builder.finish(root: root)
        var other = GrammarBuilder()
        let same = other.rule(named: "root")
        other.define(same, as: other.sequence([other.text("kept"), other.text("!")]))
        #expect(try grammar == other.finish(root: same))
    }
}
