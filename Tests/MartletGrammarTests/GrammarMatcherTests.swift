import MartletGrammar
import MartletTestSupport
import Testing

@Suite struct GrammarMatcherTests {
    private func texts(upTo length: Int) -> [[UInt8]] {
        var texts: [[UInt8]] = [[]]
        var last = texts
        for _ in 0..<length {
            last = last.flatMap { text in RandomGrammar.letters.map { text + [$0] } }
            texts += last
        }
        return texts
    }

    @Test(arguments: 0..<4) func matcherAgreesWithTheDefinition(part: UInt64) throws {
        var random = SeededGenerator(seed: part)
        let texts = texts(upTo: 6)
        var checked = 0
        for _ in 0..<150 {
            let source = RandomGrammar(using: &random)
            guard let grammar = source.grammar() else { continue }
            checked += 1
            #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
            let start = GrammarMatcher(grammar)
            // Clears the caches before each step.
            let forgetful = GrammarMatcher(grammar, limits: GrammarLimits(cacheBytes: 0))
            for text in texts {
                let membership = source.membership(text)
                for start in [start, forgetful] {
                    var matcher = start
                    let isAccepted = matcher.accept(text)
                    #expect(
                        isAccepted == membership.isBeginning, "\(String(decoding: text, as: UTF8.self)) of\n\(source)")
                    guard isAccepted else { continue }
                    #expect(
                        matcher.isComplete == membership.isWhole,
                        "\(String(decoding: text, as: UTF8.self)) of\n\(source)")
                }
            }
        }
        #expect(checked > 20)
    }

    @Test func allowedBytesAreThoseThatAreAccepted() {
        var random = SeededGenerator(seed: 99)
        for _ in 0..<200 {
            guard let grammar = RandomGrammar(using: &random).grammar() else { continue }
            for text in texts(upTo: 3) {
                var matcher = GrammarMatcher(grammar)
                guard matcher.accept(text) else { continue }
                let allowed = matcher.allowedBytes
                for byte in UInt8(0x60)...0x64 {
                    var next = matcher
                    let isAccepted = next.accept([byte])
                    #expect(isAccepted == allowed.contains(byte))
                }
            }
        }
    }

    @Test func nestingIsFollowedToAnyDepth() throws {
        var builder = GrammarBuilder()
        let value = builder.rule(named: "value")
        builder.define(
            value,
            as: builder.choice([
                builder.text("x"), builder.sequence([builder.text("["), builder.reference(value), builder.text("]")]),
            ]))
        var matcher = GrammarMatcher(try builder.finish(root: value))
        let depth = 50_000
        let step1 = matcher.accept([UInt8](repeating: 0x5B, count: depth))
        #expect(step1)
        let step2 = matcher.accept(Array("x".utf8))
        #expect(step2)
        let step3 = matcher.accept([UInt8](repeating: 0x5D, count: depth - 1))
        #expect(step3)
        #expect(!matcher.isComplete)
        let step4 = matcher.accept(Array("]".utf8))
        #expect(step4)
        #expect(matcher.isComplete)
        let step5 = matcher.accept(Array("]".utf8))
        #expect(!step5)
    }

    @Test func callsWithoutContinuationNeedNoStack() throws {
        var builder = GrammarBuilder()
        let list = builder.rule(named: "list")
        builder.define(
            list, as: builder.sequence([builder.text("a,"), builder.optional(builder.reference(list))]))
        var matcher = GrammarMatcher(try builder.finish(root: list), limits: GrammarLimits(cacheBytes: 1 << 20))
        let step6 = matcher.accept(Array(String(repeating: "a,", count: 20_000).utf8))
        #expect(step6)
        #expect(matcher.isComplete)
    }

    @Test func countsAreExactWithoutUnrolling() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let pair = builder.choice([builder.text("ab"), builder.text("c")])
        builder.define(root, as: try builder.repetition(pair, 1000, 100_000))
        let grammar = try builder.finish(root: root)
        #expect(!grammar.matches(Array(String(repeating: "c", count: 999).utf8)))
        #expect(grammar.matches(Array(String(repeating: "ab", count: 1000).utf8)))
        #expect(grammar.matches(Array(String(repeating: "c", count: 100_000).utf8)))
        #expect(!grammar.matches(Array(String(repeating: "c", count: 100_001).utf8)))
        #expect(grammar.encoded().count < 60)
    }

    /// Two ways to read each letter would be 2^n stacks if they were not merged.
    @Test func ambiguityDoesNotMultiply() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(
            root,
            as: builder.choice([
                builder.sequence([builder.text("x"), builder.reference(root), builder.text("y")]),
                builder.sequence([builder.text("x"), builder.reference(root), builder.text("z")]),
                builder.text("."),
            ]))
        var matcher = GrammarMatcher(try builder.finish(root: root))
        let step7 = matcher.accept([UInt8](repeating: 0x78, count: 2000))
        #expect(step7)
        let step8 = matcher.accept(Array(".".utf8))
        #expect(step8)
        let step9 = matcher.accept((0..<2000).map { $0 % 3 == 0 ? 0x79 : 0x7A })
        #expect(step9)
        #expect(matcher.isComplete)
        #expect(!matcher.isOverflown)
    }

    @Test func moreThreadsThanTheLimitAreRefusedAndReported() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let any = builder.byteSet(.all)
        // Each count of one or two bytes is a thread of its own.
        let some = try builder.repetition(any, 1, 2)
        builder.define(root, as: try builder.repetition(some, 0, 10_000))
        var matcher = GrammarMatcher(try builder.finish(root: root), limits: GrammarLimits(threads: 100))
        let step10 = matcher.accept([UInt8](repeating: 0, count: 5000))
        #expect(!step10)
        #expect(matcher.isOverflown)
    }

    @Test func textThatIsRefusedChangesNothing() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.text("hello"))
        var matcher = GrammarMatcher(try builder.finish(root: root))
        let step11 = matcher.accept(Array("he".utf8))
        #expect(step11)
        let step12 = matcher.accept(Array("lx".utf8))
        #expect(!step12)
        let step13 = matcher.acceptPrefix(of: Array("llox".utf8))
        #expect(step13 == 3)
        #expect(matcher.isComplete)
    }
}
