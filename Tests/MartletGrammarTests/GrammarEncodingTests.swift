import Testing

@testable import MartletGrammar

/// The encoding of grammars for the worker process.
@Suite struct GrammarEncodingTests {
    /// A grammar with every kind of expression.
    private static func everyKind() throws -> Grammar {
        var builder = GrammarBuilder()
        let list = builder.rule(named: "list")
        let letters = builder.characters([0x61...0x7A, 0xE9...0xE9, 0x1F600...0x1F64F])
        let tokens: [TokenTerm] = [
            .controlToken("<a>"), .id(7), .text("b"), .otherThanID(300), .otherThanText("c"),
            .controlOtherThan(texts: ["<d>", "é"], ids: [1, 70_000]),
        ]
        var alternatives = tokens.map { builder.token($0) }
        alternatives.append(builder.byteSet(ByteSet(0x80...0xFF, 0x00...0x00)))
        alternatives.append(builder.text("a long literal " + String(repeating: "x", count: 200)))
        alternatives.append(try builder.repetition(letters, 2, 1_000))
        alternatives.append(try builder.repetition(builder.text("ab"), 3, nil))
        alternatives.append(builder.anything(until: ["END", "EN"], consumingDelimiter: true))
        let counted = try #require(
            ByteAutomaton(rows: [[Int32](repeating: 0, count: 256)], accepting: [true], start: 0)
                .counted(
                    betweenCount: 1, quotes: nil, accepting: [true], followers: [[0]], minimum: 2, maximum: 5))
        alternatives.append(builder.automaton(counted))
        let item = builder.choice(alternatives)
        let rest = builder.sequence([builder.distinctItemEnd(UInt8(ascii: ",")), builder.reference(list)])
        builder.define(list, as: builder.sequence([item, builder.optional(rest)]))
        let root = builder.rule(named: "rööt")
        builder.define(
            root,
            as: builder.sequence([
                builder.distinctItemsOpening(), builder.reference(list), builder.distinctItemEnd(UInt8(ascii: "]")),
            ]))
        return try builder.finish(root: root)
    }

    @Test func everyKindOfExpressionIsDecodedUnchanged() throws {
        let grammar = try Self.everyKind()
        let bytes = grammar.encoded()
        let again = try Grammar(decoding: bytes, limits: .unlimited)
        #expect(again == grammar && again.encoded() == bytes && again.byteCount == grammar.byteCount)
        #expect(again.tokenTerms == grammar.tokenTerms && grammar.tokenTerms.count == 6)
    }

    @Test func randomGrammarsAreDecodedUnchanged() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            guard let grammar = RandomGrammar(using: &random).grammar() else { continue }
            #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
        }
    }

    /// A beginning of an encoding, and an encoding with more bytes, are refused.
    @Test func bytesOfAnotherLengthAreRefused() throws {
        let bytes = try Self.everyKind().encoded()
        for count in bytes.indices {
            let error = #expect(throws: GrammarError.self) {
                try Grammar(decoding: bytes[..<count], limits: .unlimited)
            }
            #expect(error?.kind == .encoding, "\(count) of \(bytes.count) bytes")
        }
        #expect(throws: GrammarError.self) { try Grammar(decoding: bytes + [0], limits: .unlimited) }
    }

    /// Damaged bytes are refused, or are another valid grammar; no damage stops the process.
    @Test func damagedBytesAreRefusedOrAnotherGrammar() throws {
        let bytes = try Self.everyKind().encoded()
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<2_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: damaged.indices, using: &random)
                damaged[index] = UInt8.random(in: 0...255, using: &random)
            }
            guard let grammar = try? Grammar(decoding: damaged, limits: .standard) else {
                refused += 1
                continue
            }
            #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
        }
        #expect(refused > 100)
    }

    /// Numbers that announce more elements than there are bytes allocate nothing.
    @Test(
        arguments: [
            [], [0xFF], [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0, 0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0x80, 0x80, 0x80, 0x80],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], [0, 2, 0, 0], [0, 2, 1, 0, 5, 0],
            [1, 1, 1, 0],
            [0, 3, 16, 0, 0], [0, 3, 7, 9, 1, 0, 2, 0],
        ] as [[UInt8]])
    func numbersBeyondTheBytesAreRefused(bytes: [UInt8]) {
        let error = #expect(throws: GrammarError.self) { try Grammar(decoding: bytes, limits: .unlimited) }
        #expect(error?.kind == .encoding)
    }
}
