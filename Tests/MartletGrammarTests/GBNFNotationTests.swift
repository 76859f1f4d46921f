import MartletGrammar
import MartletTestSupport
import Testing

/// A random grammar, written in one of many spellings of GBNF, is parsed as the same grammar.
@Suite struct GBNFNotationTests {
    /// Writes terms as GBNF, with the freedom that the notation has.
    private struct Writer {
        var random: SeededGenerator

        mutating func grammar(_ source: RandomGrammar) -> String {
            var lines = source.rules.enumerated().map { "\(name($0.offset)) \(gap())::=\(gap())\(term($0.element))" }
            lines.shuffle(using: &random)
            return lines.joined(separator: pick(["\n", "\n\n", "\r\n", " # a comment\n", "\n  # another \"one\" |\n"]))
        }

        private func name(_ rule: Int) -> String { rule == 0 ? "root" : "rule-\(rule)_x" }

        private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }

        private mutating func gap() -> String { pick(["", " ", "  ", "\t"]) }

        private mutating func term(_ term: RandomGrammar.Term) -> String {
            switch term {
            case .text(let bytes): return "\"" + bytes.map { letter($0) }.joined() + "\""
            case .set: return pick(["[ab]", "[a-b]", "[ba]", "[\\x61-b]", "[a\\u0062]"])
            case .sequence(let parts):
                return "(" + gap() + parts.map { self.term($0) }.joined(separator: pick([" ", "\n  ", "\t"])) + gap()
                    + ")"
            case .choice(let parts):
                return "(" + parts.map { self.term($0) }.joined(separator: pick(["|", " | ", " |\n "])) + ")"
            case .repetition(let part, let minimum, let maximum):
                return "(" + self.term(part) + ")" + bounds(minimum, maximum)
            case .rule(let rule): return name(rule) + " "
            // GBNF has no such term: over two letters, the texts up to the first end of the delimiter.
            case .anything: return "[ab]*"
            }
        }

        private mutating func letter(_ byte: UInt8) -> String {
            let digits = String(byte, radix: 16)
            return pick([String(Unicode.Scalar(byte)), "\\x\(digits)", "\\u00\(digits)", "\\U000000\(digits)"])
        }

        private mutating func bounds(_ minimum: Int, _ maximum: Int?) -> String {
            switch (minimum, maximum) {
            case (0, nil): pick(["*", "{0,}", "{ 0 , }"])
            case (1, nil): pick(["+", "{1,}"])
            case (0, 1): pick(["?", "{0,1}"])
            case (_, nil): "{\(minimum),}"
            case (_, let maximum?):
                minimum == maximum ? pick(["{\(minimum)}", "{\(minimum),\(minimum)}"]) : "{\(minimum), \(maximum)}"
            }
        }
    }

    /// GBNF has no spelling of `anything`.
    private static func withoutAnything(_ term: RandomGrammar.Term) -> RandomGrammar.Term {
        switch term {
        case .anything: .repetition(.set(ByteSet(RandomGrammar.letters)), 0, nil)
        case .sequence(let parts): .sequence(parts.map(withoutAnything))
        case .choice(let parts): .choice(parts.map(withoutAnything))
        case .repetition(let part, let minimum, let maximum): .repetition(withoutAnything(part), minimum, maximum)
        case .text, .set, .rule: term
        }
    }

    @Test(arguments: 0..<6) func encodedNotationIsParsedBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: 1_000 + seed)
        var writer = Writer(random: SeededGenerator(seed: seed))
        var checked = 0
        for _ in 0..<60 {
            var source = RandomGrammar(using: &random)
            source.rules = source.rules.map(Self.withoutAnything)
            let text = writer.grammar(source)
            guard source.grammar() != nil else {
                // A grammar that the builder refuses is refused in GBNF, at a position inside of the text.
                let error = #expect(throws: GrammarError.self, "\(text)") { try GBNFParser.grammar(text.utf8) }
                #expect(error?.kind == .leftRecursion || error?.kind == .deadEnd, "\(text)")
                continue
            }
            checked += 1
            let grammar = try GBNFParser.grammar(text.utf8)
            for letters in GrammarLawsTests.texts {
                #expect(grammar.matches(letters) == source.membership(letters).isWhole, "\(text)")
            }
        }
        #expect(checked > 8)
    }

    /// A damaged grammar is parsed as another grammar, or refused at a position inside of the text.
    @Test(arguments: 0..<4) func everySyntaxErrorHasItsLocation(seed: UInt64) throws {
        var random = SeededGenerator(seed: 2_000 + seed)
        var writer = Writer(random: SeededGenerator(seed: 50 + seed))
        let noise = Array("\"[](){}|*+?:=#\\<>!^-,a1\n\u{0}\u{FF}".utf8) + [0xC3, 0xFF]
        var refused = 0
        for _ in 0..<150 {
            var source = RandomGrammar(using: &random)
            source.rules = source.rules.map(Self.withoutAnything)
            var bytes = Array(writer.grammar(source).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = noise.randomElement(using: &random) ?? 0
                case 1: bytes.insert(noise.randomElement(using: &random) ?? 0, at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            do {
                let grammar = try GBNFParser.grammar(bytes)
                #expect(try Grammar(decoding: grammar.encoded(), limits: .standard) == grammar)
            } catch {
                refused += 1
                let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
                let (line, column) = (try #require(error.line), try #require(error.column))
                #expect((1...lines.count).contains(line))
                #expect((1...lines[line - 1].count + 1).contains(column), "\(error)")
                #expect(error.message.hasSuffix("."))
            }
        }
        #expect(refused > 20)
    }
}
