import MartletTestSupport
import Testing

@testable import MartletGrammar

/// Laws of the builder's nodes, of its checkpoints and of its limits.
@Suite struct BuilderLawsTests {
    private static func nodes(
        _ terms: [RandomGrammar.Term], _ builder: inout GrammarBuilder
    ) throws -> [GrammarBuilder.Node] {
        var nodes: [GrammarBuilder.Node] = []
        for term in terms { nodes.append(try RandomGrammar(rules: [term]).node(term, [], &builder)) }
        return nodes
    }

    private static func grammar(of terms: [RandomGrammar.Term], _ builder: inout GrammarBuilder) throws -> Grammar? {
        let parts = try nodes(terms, &builder)
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.choice([builder.sequence(parts), builder.choice(parts)]))
        return try? builder.finish(root: root)
    }

    /// Protects `removeAll(since:)`: a grammar is the same as if the removed nodes, rules and automata, and an exceeded
    /// limit, had never been.
    @Test func whatIsRemovedHasNeverBeen() throws {
        var random = SeededGenerator(seed: 2)
        func terms(_ count: Int) -> [RandomGrammar.Term] {
            (0..<count).map { _ in RandomGrammar.term(depth: 2, ruleCount: 0, &random) }
        }
        let limits = GrammarLimits(nodes: 400)
        for round in 0..<60 {
            let (front, removed, back) = (terms(3), terms(4), terms(3))
            var (builder, clean) = (GrammarBuilder(limits: limits), GrammarBuilder(limits: limits))
            #expect(try Self.nodes(front, &builder) == Self.nodes(front, &clean))
            let checkpoint = builder.checkpoint
            _ = try Self.nodes(removed, &builder)
            let (shared, _) = builder.sharedRule(named: "shared")
            builder.define(shared, as: builder.characters([0x100...0x200 + UInt32(round)]))
            for number in 0..<(round.isMultiple(of: 2) ? 500 : 5) { _ = builder.text("removed \(number)") }
            #expect((builder.failure != nil) == round.isMultiple(of: 2))
            builder.removeAll(since: checkpoint)
            #expect(builder.failure == nil)
            #expect(try Self.grammar(of: back, &builder) == Self.grammar(of: back, &clean))
        }
    }

    /// Protects the normal form of nodes: each row is two ways to build one node.
    @Test func equalNodesAreOneNode() throws {
        var builder = GrammarBuilder()
        let (text, other) = (builder.text("a"), builder.byteSet(ByteSet("xyz".utf8)))
        let (empty, never) = (builder.empty(), builder.never())
        let pairs: [(String, GrammarBuilder.Node, GrammarBuilder.Node)] = [
            ("no bytes", builder.bytes([]), empty), ("one byte", builder.byteSet(ByteSet("a".utf8)), text),
            ("no byte", builder.byteSet(ByteSet()), never), ("one character", builder.characters([0x61...0x61]), text),
            ("ASCII characters", builder.characters([0x79...0x7A, 0x78...0x78]), other),
            ("surrogates", builder.characters([0xD800...0xDFFF]), never),
            ("sequence of nothing", builder.sequence([]), empty), ("sequence of one", builder.sequence([text]), text),
            ("sequence with empty", builder.sequence([empty, text, empty]), text),
            ("sequence with never", builder.sequence([text, never, other]), never),
            ("choice of nothing", builder.choice([]), never), ("choice of equals", builder.choice([text, text]), text),
            ("choice with never", builder.choice([never, other, never]), other),
            ("choice with repetition", builder.choice([text, other, text]), builder.choice([text, other])),
            ("once", try builder.repetition(text, 1, 1), text), ("no times", try builder.repetition(text, 0, 0), empty),
            ("empty times", try builder.repetition(empty, 3, nil), empty),
            ("never or empty", try builder.repetition(never, 0, 5), empty),
            ("never some times", try builder.repetition(never, 1, 5), never),
            ("star", builder.star(text), try builder.repetition(text, 0, nil)),
            ("optional", builder.optional(text), try builder.repetition(text, 0, 1)),
            ("optional never", builder.optional(never), empty), ("star of empty", builder.star(empty), empty),
        ]
        for (name, left, right) in pairs { #expect(left == right, "\(name)") }
        #expect(builder.sequence([text, other]) != builder.sequence([other, text]) && builder.failure == nil)
    }

    /// Protects the bounds of repetitions; each error names the bound.
    @Test(
        arguments: [
            (0, 10, nil, ""), (10, nil, nil, ""), (11, nil, .limit, "11 times is above the limit of 10"),
            (0, 11, .limit, "11 times is above the limit of 10"), (-1, nil, .syntax, "at least -1"),
            (3, 2, .syntax, "at least 3 and at most 2"),
        ] as [(Int, Int?, GrammarError.Kind?, String)])
    func repetitionsHaveBounds(minimum: Int, maximum: Int?, kind: GrammarError.Kind?, named: String) {
        var builder = GrammarBuilder(limits: GrammarLimits(repetitions: 10))
        let text = builder.text("a")
        do {
            _ = try builder.repetition(text, minimum, maximum)
            #expect(kind == nil)
        } catch {
            #expect(error.kind == kind && error.message.contains(named), "\(error)")
        }
    }

    /// Protects the cache of grammars: the same hits, evictions and bytes as a plain list in the order of use.
    @Test(arguments: 0..<3) func cachesAreListsInTheOrderOfUse(seed: UInt64) throws {
        struct Refusal: Error {}
        var random = SeededGenerator(seed: 90 + seed)
        let entries = try (0..<8).map { number in
            let text = String(repeating: "x", count: 40 * number * number)
            return GrammarCache.Entry(
                grammar: try GBNFParser.grammar("root ::= \"a\(text)\"".utf8), warnings: [text])
        }
        let sizes = entries.indices.map { 1 + entries[$0].grammar.byteCount + 40 * $0 * $0 }
        // The largest entry does not fit, and the smallest fit together.
        let limit = sizes[7] - 1
        let cache = GrammarCache(byteLimit: limit)
        var (model, made): ([Int], Int) = ([], 0)
        for _ in 0..<400 {
            let key = Int.random(in: 0..<8, using: &random)
            let isRefused = Int.random(in: 0..<5, using: &random) == 0
            var isMade = false
            let entry = try? cache.grammar(of: [UInt8(key)]) { () throws(Refusal) in
                isMade = true
                if isRefused { throw Refusal() }
                return entries[key]
            }
            #expect(isMade == !model.contains(key))
            #expect(entry == (isMade && isRefused ? nil : entries[key]))
            if let index = model.firstIndex(of: key) {
                model.append(model.remove(at: index))
            } else if !isRefused {
                made += 1
                if sizes[key] <= limit {
                    while model.reduce(sizes[key], { $0 + sizes[$1] }) > limit { model.removeFirst() }
                    model.append(key)
                }
            }
            #expect(cache.byteCount == model.reduce(0) { $0 + sizes[$1] } && cache.madeCount == made)
        }
    }
}

/// Classes of characters in GBNF, compared with lists of ranges.
@Suite struct GBNFClassTests {
    private static let corners: [UInt32] = [
        0x00, 0x0A, 0x2D, 0x30, 0x39, 0x41, 0x5B, 0x5C, 0x5D, 0x5E, 0x61, 0x7A, 0x7F, 0x80, 0xE9, 0x7FF, 0x800, 0xD7FF,
        0xE000, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF,
    ]

    private static func spelling(_ value: UInt32, _ random: inout SeededGenerator) -> String {
        func escape(_ letter: String, _ width: Int) -> String {
            let digits = String(value, radix: 16, uppercase: Bool.random(using: &random))
            return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
        }
        var spellings = [escape("U", 8)]
        if value <= 0xFFFF { spellings.append(escape("u", 4)) }
        if value <= 0xFF { spellings.append(escape("x", 2)) }
        if let short = [0x0A: "\\n", 0x2D: "\\-", 0x5B: "\\[", 0x5C: "\\\\", 0x5D: "\\]"][value] {
            spellings.append(short)
        }
        let isPlain = value >= 0x80 || 0x30...0x39 ~= value || 0x41...0x5A ~= value || 0x61...0x7A ~= value
        if isPlain, let scalar = Unicode.Scalar(value) { spellings.append(String(scalar)) }
        return spellings.randomElement(using: &random) ?? ""
    }

    /// Protects escapes, ranges, complements and a `-` at the end of a class.
    @Test(arguments: 0..<3) func classesAreTheirRanges(seed: UInt64) throws {
        var random = SeededGenerator(seed: 400 + seed)
        for _ in 0..<16 {
            var ranges: [ClosedRange<UInt32>] = []
            var text = ""
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let pair = (0..<2).map { _ in Self.corners.randomElement(using: &random) ?? 0 }.sorted()
                if Bool.random(using: &random) {
                    ranges.append(pair[0]...pair[1])
                    text += Self.spelling(pair[0], &random) + "-" + Self.spelling(pair[1], &random)
                } else {
                    ranges.append(pair[0]...pair[0])
                    text += Self.spelling(pair[0], &random)
                }
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                ranges.append(0x2D...0x2D)
                text += "-"
            }
            let isComplement = Bool.random(using: &random)
            let written = "root ::= [\(isComplement ? "^" : "")\(text)]"
            let values = Set(Self.corners.flatMap { [$0, $0 &+ 1, max($0, 1) - 1] }).compactMap { Unicode.Scalar($0) }
            func isIn(_ scalar: Unicode.Scalar) -> Bool {
                ranges.contains { $0.contains(scalar.value) } != isComplement
            }
            guard values.contains(where: isIn) else {
                let error = #expect(throws: GrammarError.self) { try GBNFParser.grammar(written.utf8) }
                #expect(error?.kind == .syntax && error?.line == 1 && error?.column == 10)
                continue
            }
            let grammar = try GBNFParser.grammar(written.utf8)
            for scalar in values {
                #expect(grammar.matches(String(scalar).utf8) == isIn(scalar), "\(scalar.value) of \(written)")
            }
        }
    }
}
