import MartletGrammar
import MartletTestSupport
import Testing

/// The operations of a builder as laws of formal languages: each grammar is compared with a plain interpreter of its
/// parts.
@Suite struct GrammarLawsTests {
    typealias Term = RandomGrammar.Term

    static let texts: [[UInt8]] = {
        var texts: [[UInt8]] = [[]]
        var last = texts
        for _ in 0..<5 {
            last = last.flatMap { text in RandomGrammar.letters.map { text + [$0] } }
            texts += last
        }
        return texts
    }()

    /// The texts of up to five letters that a term matches.
    private static func language(_ term: Term) -> Set<[UInt8]> {
        let grammar = RandomGrammar(rules: [term])
        return Set(texts.filter { grammar.membership($0).isWhole })
    }

    private static func built(_ term: Term) throws -> Set<[UInt8]> {
        guard let grammar = RandomGrammar(rules: [term]).grammar(refusesDeadEnds: false) else { return [] }
        #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
        return Set(texts.filter { grammar.matches($0) })
    }

    /// Terms without rules that match at least one text.
    private static func terms(_ count: Int, seed: UInt64) -> [Term] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in RandomGrammar.term(depth: 2, ruleCount: 0, &random) }
    }

    @Test func choiceIsTheUnion() throws {
        for pair in zip(Self.terms(40, seed: 1), Self.terms(40, seed: 2)) {
            let union = Self.language(pair.0).union(Self.language(pair.1))
            #expect(try Self.built(.choice([pair.0, pair.1])) == union, "\(pair)")
            #expect(try Self.built(.choice([pair.1, pair.0])) == union, "\(pair)")
            #expect(try Self.built(.choice([pair.0, .choice([pair.1, pair.0])])) == union, "\(pair)")
        }
    }

    @Test func sequenceIsTheConcatenation() throws {
        for (first, second) in zip(Self.terms(40, seed: 3), Self.terms(40, seed: 4)) {
            let (left, right) = (Self.language(first), Self.language(second))
            let products = Set(left.flatMap { text in right.map { text + $0 } }.filter { $0.count <= 5 })
            #expect(try Self.built(.sequence([first, second])) == products, "\(first) \(second)")
            #expect(try Self.built(.sequence([.text([]), first, .sequence([]), second])) == products)
        }
    }

    @Test func repetitionIsTheSequenceOfItself() throws {
        for term in Self.terms(30, seed: 5) {
            for (minimum, maximum) in [(0, 0), (0, 1), (1, 1), (2, 2), (1, 3), (0, 4)] {
                let written = (minimum...maximum).map { Term.sequence(Array(repeating: term, count: $0)) }
                #expect(
                    try Self.built(.repetition(term, minimum, maximum)) == Self.language(.choice(written)),
                    "\(minimum) to \(maximum) of \(term)")
            }
            // Five letters are at most five non-empty repetitions.
            for minimum in 0...2 {
                let written = (minimum...minimum + 5).map { Term.sequence(Array(repeating: term, count: $0)) }
                #expect(try Self.built(.repetition(term, minimum, nil)) == Self.language(.choice(written)), "\(term)")
            }
        }
    }

    @Test func sequenceDistributesOverChoice() throws {
        for index in 0..<30 {
            let parts = Self.terms(3, seed: UInt64(100 + index))
            let apart: Term = .choice([.sequence([parts[0], parts[1]]), .sequence([parts[0], parts[2]])])
            let together: Term = .sequence([parts[0], .choice([parts[1], parts[2]])])
            #expect(try Self.built(apart) == Self.built(together), "\(parts)")
            let behind: Term = .choice([.sequence([parts[1], parts[0]]), .sequence([parts[2], parts[0]])])
            #expect(try Self.built(behind) == Self.built(.sequence([.choice([parts[1], parts[2]]), parts[0]])))
        }
    }

    /// Joining many alternatives with few different heads and tails does not change their texts.
    @Test(arguments: 0..<12) func manyAlternativesAreTheirUnion(seed: UInt64) throws {
        var random = SeededGenerator(seed: 200 + seed)
        let pool =
            Self.terms(9, seed: 300 + seed) + [.text([]), .repetition(.set(ByteSet(RandomGrammar.letters)), 1, nil)]
        func alternative(_ random: inout SeededGenerator) -> Term {
            .sequence(
                (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in pool.randomElement(using: &random) })
        }
        let alternatives = (0..<Int.random(in: 65...160, using: &random)).map { _ in alternative(&random) }
        let term: Term = .choice(alternatives)
        let union = alternatives.reduce(into: Set<[UInt8]>()) { $0.formUnion(Self.language($1)) }
        #expect(try Self.built(term) == union)
        // The allowed next bytes are the same, too.
        let interpreter = RandomGrammar(rules: [term])
        let grammar = try #require(interpreter.grammar(refusesDeadEnds: false))
        for text in Self.texts {
            var matcher = GrammarMatcher(grammar)
            let isAccepted = matcher.accept(text)
            #expect(isAccepted == interpreter.membership(text).isBeginning, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    /// A choice keeps its texts when further alternatives are added to the tree.
    @Test(arguments: 0..<6) func alternativesCanBeAddedInFrontOfEachUse(seed: UInt64) throws {
        let terms = Self.terms(30, seed: 400 + seed)
        var builder = GrammarBuilder()
        var alternatives = GrammarBuilder.Alternatives()
        var choices: [GrammarBuilder.Node] = []
        for term in terms {
            builder.add(try RandomGrammar(rules: [term]).node(term, [], &builder), to: &alternatives)
            choices.append(builder.choice(of: alternatives))
        }
        for (count, choice) in choices.enumerated() where count % 3 == 0 {
            var own = builder
            let root = own.rule(named: "root")
            own.define(root, as: choice)
            let union = terms[...count].reduce(into: Set<[UInt8]>()) { $0.formUnion(Self.language($1)) }
            guard let grammar = try? own.finish(root: root) else {
                #expect(union.isEmpty)
                continue
            }
            #expect(Set(Self.texts.filter { grammar.matches($0) }) == union, "\(terms[...count])")
        }
    }

    @Test func whatIsIncludedMeansTheSame() throws {
        var random = SeededGenerator(seed: 6)
        var checked = 0
        for _ in 0..<60 {
            guard let grammar = RandomGrammar(using: &random).grammar() else { continue }
            checked += 1
            var builder = GrammarBuilder()
            let rule = try builder.include(grammar)
            let root = builder.rule(named: "root")
            let inner = builder.sequence([builder.text("<"), builder.reference(rule), builder.text(">")])
            builder.define(root, as: inner)
            let around = try builder.finish(root: root)
            for text in Self.texts where text.count < 5 {
                #expect(around.matches([0x3C] + text + [0x3E]) == grammar.matches(text))
            }
        }
        #expect(checked > 10)
    }

    @Test func aTextMayBeCutAnywhere() throws {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<60 {
            guard let grammar = RandomGrammar(using: &random).grammar() else { continue }
            for text in Self.texts where text.count >= 3 {
                var whole = GrammarMatcher(grammar)
                let isWhole = whole.accept(text)
                let cut = Int.random(in: 0...text.count, using: &random)
                var pieces = GrammarMatcher(grammar)
                let isCut = pieces.accept(text[..<cut]) && pieces.accept(text[cut...])
                #expect(isWhole == isCut)
                if isWhole { #expect(whole.isComplete == pieces.isComplete) }
                // `acceptPrefix` stops after the longest accepted beginning.
                var longest = GrammarMatcher(grammar)
                let count = longest.acceptPrefix(of: text)
                let accepted = (0...text.count).last { length in
                    var matcher = GrammarMatcher(grammar)
                    return matcher.accept(text[..<length])
                }
                #expect(count == accepted)
            }
        }
    }

    @Test func copiesGoTheirOwnWay() throws {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<40 {
            guard let grammar = RandomGrammar(using: &random).grammar() else { continue }
            for text in Self.texts where text.count == 3 {
                var first = GrammarMatcher(grammar)
                guard first.accept(text[..<1]) else { continue }
                let isComplete = first.isComplete
                let allowed = first.allowedBytes
                var copy = first
                _ = copy.accept(text[1...])
                #expect(first.isComplete == isComplete && first.allowedBytes == allowed)
                let isAccepted = first.accept(text[1...])
                var again = GrammarMatcher(grammar)
                let isAgain = again.accept(text)
                #expect(isAccepted == isAgain)
                // A refused text leaves the state unchanged.
                if isAccepted { #expect(first.isComplete == again.isComplete) }
            }
        }
    }
}
