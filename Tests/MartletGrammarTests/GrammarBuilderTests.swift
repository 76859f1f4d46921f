import MartletGrammar
import Testing

@Suite struct GrammarBuilderTests {
    @Test func ruleThatIsNotDefinedIsRefusedByName() {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let other = builder.rule(named: "other")
        builder.define(root, as: builder.reference(other))
        let error = #expect(throws: GrammarError.self) { try builder.finish(root: root) }
        #expect(error?.kind == .undefinedRule)
        #expect(error?.rule == "other")
    }

    @Test func ruleThatMayBeginWithItselfIsRefused() {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let space = builder.rule(named: "space")
        builder.define(space, as: builder.star(builder.text(" ")))
        builder.define(
            root,
            as: builder.choice([
                builder.text("a"),
                builder.sequence([builder.reference(space), builder.reference(root), builder.text("b")]),
            ]))
        let error = #expect(throws: GrammarError.self) { try builder.finish(root: root) }
        #expect(error?.kind == .leftRecursion)
        #expect(error?.rule == "root")
    }

    @Test func ruleWithoutEndIsLeftOutOrRefused() throws {
        func grammar(refusesDeadEnds: Bool) throws -> Grammar {
            var builder = GrammarBuilder()
            let root = builder.rule(named: "root")
            let endless = builder.rule(named: "endless")
            builder.define(endless, as: builder.sequence([builder.text("x"), builder.reference(endless)]))
            builder.define(root, as: builder.choice([builder.text("a"), builder.reference(endless)]))
            return try builder.finish(root: root, refusesDeadEnds: refusesDeadEnds)
        }
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.text("a"))
        #expect(try grammar(refusesDeadEnds: false).encoded().count == builder.finish(root: root).encoded().count)
        let error = #expect(throws: GrammarError.self) { try grammar(refusesDeadEnds: true) }
        #expect(error?.kind == .deadEnd)
        #expect(error?.rule == "endless")
    }

    @Test func grammarThatMatchesNothingIsRefused() {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.never())
        #expect(throws: GrammarError.self) { try builder.finish(root: root) }
    }

    @Test func deepNestingNeedsNoStack() throws {
        var builder = GrammarBuilder()
        var node = builder.text("x")
        for _ in 0..<60_000 { node = builder.sequence([builder.text("("), node, builder.text(")")]) }
        let root = builder.rule(named: "root")
        builder.define(root, as: node)
        let grammar = try builder.finish(root: root)
        #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
    }

    @Test func moreNodesThanTheLimitAreRefused() {
        var builder = GrammarBuilder(limits: GrammarLimits(nodes: 100))
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.choice((0..<200).map { builder.text(String($0)) }))
        let error = #expect(throws: GrammarError.self) { try builder.finish(root: root) }
        #expect(error?.kind == .limit)
    }

    @Test func repetitionAboveTheLimitIsRefused() {
        var builder = GrammarBuilder()
        let text = builder.text("a")
        #expect(throws: GrammarError.self) { try builder.repetition(text, 0, 2_000_000_000) }
        #expect(throws: GrammarError.self) { try builder.repetition(text, 3, 2) }
    }

    @Test func encodedGrammarIsReadBack() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        let list = builder.rule(named: "list")
        let item = builder.choice([
            builder.byteSet(ByteSet(0x30...0x39)), builder.characters([0x61...0x7A, 0xE0...0x1F600]),
            builder.controlToken("<end>"), builder.token(.otherThanID(7)), builder.token(.text("x")),
            builder.token(.id(9)), builder.token(.otherThanText("y")),
            builder.anything(until: ["</a>", "</b>"], consumingDelimiter: true),
        ])
        builder.define(
            list, as: builder.sequence([try builder.repetition(item, 2, 5), builder.optional(builder.reference(list))]))
        builder.define(root, as: builder.sequence([builder.text("["), builder.reference(list), builder.text("]")]))
        let grammar = try builder.finish(root: root)
        #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
    }

    @Test func brokenBytesAreRefused() throws {
        var builder = GrammarBuilder()
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.characters([0x61...0x2000]))
        let bytes = try builder.finish(root: root).encoded()
        for count in bytes.indices {
            #expect(throws: GrammarError.self) { try Grammar(decoding: bytes[..<count], limits: .standard) }
        }
    }
}
