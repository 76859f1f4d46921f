import MartletGrammar
import MartletTestSupport
import Testing

@Suite struct TokenMaskTests {
    /// A vocabulary of a token that ends the generation, a control token, and tokens with `texts`.
    private func vocabulary(_ texts: [[UInt8]]) -> TokenVocabulary {
        TokenVocabulary(count: texts.count + 2, endOfGeneration: [0]) { $0 < 2 ? nil : texts[Int($0) - 2][...] }
    }

    private func expectMaskIsExact(
        _ matcher: TokenMatcher, _ vocabulary: TokenVocabulary, _ note: @autoclosure () -> String
    ) {
        let words = Array(matcher.mask())
        for token in 0..<Int32(vocabulary.count) {
            let isAllowed = words[Int(token) >> 6] >> UInt64(token & 63) & 1 != 0
            #expect(isAllowed == matcher.allows(token), "token \(token) \(note())")
        }
        #expect(Array(matcher.mask()) == words)
    }

    @Test func maskIsWhatEachTokenAloneSays() throws {
        var random = SeededGenerator(seed: 5)
        var texts: [[UInt8]] = [Array("a".utf8), Array("b".utf8), Array("b".utf8), []]
        for _ in 0..<60 {
            texts.append(
                (0..<Int.random(in: 1...5, using: &random)).map { _ in UInt8.random(in: 0x61...0x63, using: &random) })
        }
        let vocabulary = vocabulary(texts)
        for _ in 0..<150 {
            let source = RandomGrammar(using: &random)
            guard let grammar = source.grammar() else { continue }
            for limits in [GrammarLimits.standard, GrammarLimits(cacheBytes: 0)] {
                let machine = TokenMachine(try grammar.program(limits: limits) { _ in nil }, vocabulary: vocabulary)
                let matcher = TokenMatcher(machine)
                for _ in 0..<4 {
                    expectMaskIsExact(matcher, vocabulary, "\(source)")
                    let next = (2..<Int32(vocabulary.count)).filter { matcher.allows($0) }
                    guard !next.isEmpty else { break }
                    let isAccepted = matcher.accept(next[Int.random(in: 0..<next.count, using: &random)])
                    #expect(isAccepted)
                }
            }
        }
    }

    private static let json = #"""
        root ::= object
        object ::= "{" ws (pair ("," ws pair)*)? "}"
        pair ::= key ":" ws value
        key ::= "\"" [a-zA-Z0-9_]{1,12} "\""
        value ::= object | "[" ws (value ("," ws value)*)? "]" | string | short | name | number | "true" | "null"
        string ::= "\"" char* "\""
        short ::= "'" char{2,7} "'"
        name ::= "/" [a-zA-Z0-9]+ ("-" [^-"\\\x00-\x1f]{0,3})* "/"
        char ::= [^"\\\x00-\x1f\x7f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
        number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)?
        ws ::= [ \n]*
        """#

    /// Strings, bounded strings and words, in which whole slices of a vocabulary are allowed.
    @Test func slicesAreExact() throws {
        let grammar = try GBNFParser.grammar(Self.json.utf8)
        var random = SeededGenerator(seed: 6)
        var texts = (0...255).map { [UInt8($0)] }
        let pieces = [
            "a", "Z", "9", "_", "-", " ", "\"", "\\", "\\n", "\\u00", "é", "漢", "🦊", "{", "}", "[", "]", ":", ",", "'",
            "/",
            "\n", "\u{7F}", "true", "null", "\":", "\",", "\u{10FFFF}", "\u{D7FF}", "\u{E000}", "\u{800}", "0",
        ].map { Array($0.utf8) }
        for _ in 0..<400 {
            let text = (0..<Int.random(in: 1...9, using: &random)).flatMap { _ in
                pieces[Int.random(in: 0..<(Bool.random(using: &random) ? 10 : pieces.count), using: &random)]
            }
            texts.append(
                Bool.random(using: &random) ? text : Array(text.dropLast(Int.random(in: 0...2, using: &random))))
        }
        texts.append([UInt8](repeating: 0x61, count: 40))
        let vocabulary = vocabulary(texts)
        for limits in [GrammarLimits.standard, GrammarLimits(cacheBytes: 20_000)] {
            let machine = TokenMachine(try grammar.program(limits: limits) { _ in nil }, vocabulary: vocabulary)
            for _ in 0..<12 {
                let matcher = TokenMatcher(machine)
                var written: [UInt8] = []
                for _ in 0..<40 {
                    expectMaskIsExact(matcher, vocabulary, String(decoding: written, as: UTF8.self))
                    var token: Int32
                    repeat {
                        token = Int32.random(in: 2..<Int32(vocabulary.count), using: &random)
                    } while !matcher.allows(token) && !matcher.isFinished
                    if matcher.isFinished { break }
                    let isAccepted = matcher.accept(token)
                    #expect(isAccepted)
                    written += texts[Int(token) - 2]
                }
            }
        }
    }

    @Test func controlTokensComeOnlyWhereTheyAreNamed() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(
            root,
            as: builder.sequence([
                builder.controlToken("<think>"), builder.anything(until: ["</think>"], consumingDelimiter: false),
                builder.controlToken("</think>"), builder.text("a"),
            ]))
        let grammar = try builder.finish(root: root)
        let vocabulary = vocabulary([Array("<think>".utf8), Array("a".utf8), Array("</think>".utf8), Array("x</".utf8)])
        // The opening delimiter is a token, the closing delimiter is not.
        let program = try grammar.program { term in
            term == .controlToken("<think>") ? .token(1) : .bytes(Array(term.description.utf8))
        }
        let matcher = TokenMatcher(TokenMachine(program, vocabulary: vocabulary))
        func allowed() -> [Int32] { (0..<6).filter { matcher.allows($0) } }
        #expect(allowed() == [1])
        expectMaskIsExact(matcher, vocabulary, "")
        #expect(matcher.accept(1))
        #expect(allowed() == [2, 3, 4, 5])
        expectMaskIsExact(matcher, vocabulary, "")
        #expect(matcher.accept(5))
        #expect(matcher.accept(4))
        #expect(allowed() == [3])
        #expect(matcher.accept(3))
        #expect(matcher.isFinished)
        #expect(allowed() == [0])
        expectMaskIsExact(matcher, vocabulary, "")
    }

    @Test func tokensThatAreExcludedAreTheOnlyOnes() throws {
        let vocabulary = vocabulary([Array("a".utf8), Array("b".utf8), Array("c".utf8)])
        let grammar = try GBNFParser.grammar(#"root ::= <[1]> !<[2]> "c"?"#.utf8)
        let program = try grammar.program { term in
            switch term {
            case .id(let id): .token(id)
            case .otherThanID(let id): .otherThan(id)
            default: nil
            }
        }
        let matcher = TokenMatcher(TokenMachine(program, vocabulary: vocabulary))
        #expect(!matcher.accept(2))
        #expect(matcher.accept(1))
        expectMaskIsExact(matcher, vocabulary, "")
        #expect(!matcher.accept(2))
        #expect(matcher.accept(1))
        #expect((0..<5).filter { matcher.allows($0) } == [0, 4])
    }

    @Test func tokenThatTheVocabularyLacksIsRefused() throws {
        let grammar = try GBNFParser.grammar("root ::= <nothing>".utf8)
        let error = #expect(throws: GrammarError.self) { try grammar.program { _ in nil } }
        #expect(error?.kind == .unknownToken)
    }

    /// The count for a list of tokens is that of accepting them one by one, and the state stays.
    @Test func aDraftIsCheckedWithoutChangingTheState() throws {
        var random = SeededGenerator(seed: 8)
        let texts = ["{", "}", "\"", "a", "b", ":", " ", "1", ",", "\"a\":", "12"].map { Array($0.utf8) }
        let vocabulary = vocabulary(texts)
        let grammar = try GBNFParser.grammar(Self.json.utf8)
        for limits in [GrammarLimits.standard, GrammarLimits(cacheBytes: 0)] {
            let machine = TokenMachine(try grammar.program(limits: limits) { _ in nil }, vocabulary: vocabulary)
            let matcher = TokenMatcher(machine)
            for _ in 0..<60 {
                if matcher.isFinished { break }
                for _ in 0..<20 {
                    let draft = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                        Int32.random(in: 0..<Int32(vocabulary.count), using: &random)
                    }
                    let before = Array(matcher.mask())
                    let count = matcher.allowedCount(of: draft)
                    #expect(Array(matcher.mask()) == before)
                    #expect((count > 0) == matcher.allows(draft[0]))
                    guard count > 1, Int.random(in: 0..<8, using: &random) == 0 else { continue }
                    // An end token in the middle ends the draft.
                    for token in draft.prefix(count) where token != 0 { #expect(matcher.accept(token)) }
                    if count < draft.count, draft[count - 1] != 0 { #expect(!matcher.allows(draft[count])) }
                }
                let next = (2..<Int32(vocabulary.count)).filter { matcher.allows($0) }
                guard let token = next.randomElement(using: &random) else { break }
                #expect(matcher.accept(token))
            }
        }
    }

    @Test func generationsOfOneMachineAreIndependent() throws {
        let grammar = try GBNFParser.grammar(#"root ::= "ab" | "ba""#.utf8)
        let vocabulary = vocabulary([Array("a".utf8), Array("b".utf8)])
        let machine = TokenMachine(
            try grammar.program(limits: GrammarLimits(cacheBytes: 0)) { _ in nil }, vocabulary: vocabulary)
        let (first, second) = (TokenMatcher(machine), TokenMatcher(machine))
        #expect(first.accept(2))
        #expect(second.accept(3))
        #expect(first.accept(3))
        #expect(second.accept(2))
        #expect(first.isFinished && second.isFinished)
    }
}
