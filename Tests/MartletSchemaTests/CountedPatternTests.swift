import MartletGrammar
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletSchema

/// A wide class with a bounded count costs one class; a pattern that is still too large is named.
@Suite struct CountedPatternTests {
    private static let long = String(repeating: "x", count: 2_000)

    @Test(
        arguments: [
            (
                "^[\\p{L}\\p{N}_ -]{1,64}$", ["Zürich 7", "a", String(long.prefix(64))],
                ["", "a/b", String(long.prefix(65))]
            ),
            ("^[^\\p{C}]{1,100}$", ["é~ 漢", String(long.prefix(100))], ["", "a\u{7}", String(long.prefix(101))]),
            ("^[\\w\\s\\p{L}]{0,50}$", ["", "ä b_\n"], ["-", String(long.prefix(51))]),
            ("^[^\\s]{1,2000}$", ["abc", "\"\\", long], ["a b", "", long + "x"]),
            (
                "^(?=.{1,253}$)([a-z0-9-]{1,63}\\.)+[a-z]{2,63}$",
                ["a.example.org", "\(long.prefix(63)).\(long.prefix(63)).\(long.prefix(63)).\(long.prefix(61))"],
                [
                    "nodot", "-.", "\(long.prefix(64)).de",
                    "\(long.prefix(63)).\(long.prefix(63)).\(long.prefix(63)).\(long.prefix(62))",
                ]
            ),
            // Counts within a sequence, one after the other and within one another.
            ("^[A-Z]\\p{L}{1,60}$", ["Aé", "Zz"], ["A", "aé", "A1", "A" + String(long.prefix(61))]),
            (
                "^\\p{L}{1,40}(?: \\p{L}{1,40}){0,3}$", ["a", "ä ö ü x"], ["", " a", "a  b", "a b c d e"]
            ),
            ("^[^\\p{C}\"]{2,30};\\p{N}{3,60}$", ["ab;123"], ["a;123", "ab;12", "a\"b;123"]),
            ("^(?:\\p{L}\\p{M}*){1,50}$", ["e\u{301}a"], ["\u{301}", "1"]),
            ("^[^\\n]{20,}$", [long], ["short", "\(long)\n"]),
            ("\\p{Lu}{30}", ["x" + String(repeating: "Ä", count: 30)], [String(repeating: "Ä", count: 29)]),
        ] as [(String, [String], [String])])
    func wideClassesAreCounted(pattern: String, yes: [String], no: [String]) throws {
        let budget = CompileBudget()
        let probe = try SchemaProbe(["type": "string", "pattern": .string(pattern)], budget: budget)
        for text in yes { #expect(probe.accepts(JSONSpelling.string(text)), "\(text.prefix(80))") }
        for text in no { #expect(!probe.accepts(JSONSpelling.string(text)), "\(text.prefix(80))") }
        #expect(budget.usedSteps < SchemaLimits.standard.work / 2, "\(budget.usedSteps)")
        // Also in a schema that lists values.
        let listed = try SchemaProbe([
            "pattern": .string(pattern), "enum": .array((yes + no).map { .string($0) }),
        ])
        for text in yes { #expect(listed.accepts(JSONSpelling.string(text)), "\(text.prefix(80))") }
        for text in no { #expect(!listed.accepts(JSONSpelling.string(text)), "\(text.prefix(80))") }
    }

    /// With a length and a pattern, every beginning that is accepted can still end within the length.
    @Test(
        arguments: [
            ("^(?:[a-z0-9]{1,20}\\.)+[a-z]{2,20}$", 4, 200), ("^\\p{L}+(?: \\p{L}+)*$", 3, 500),
            ("^(?:ab)*$", 3, 3_001),
            ("^a|b$", 10, 3_000), ("^[^\\s]+@[^\\s]+$", 0, 254),
        ])
    func lengthsAreCountedBesidePatterns(pattern: String, minimum: Int, maximum: Int) throws {
        let probe = try SchemaProbe([
            "type": "string", "pattern": .string(pattern), "minLength": .integer(Int64(minimum)),
            "maxLength": .integer(Int64(maximum)),
        ])
        let automaton = try RegexCompiler.search(pattern)
        for unit in ["a", "ab", "a.b", "é", "a b", "a@b.", "b", "\"x"] {
            for count in [0, 1, 2, 3, 9, 10, 60, 100, 150, 166, 167, 200, 254, 499, 500, 501, 1_500, 3_000, 3_001] {
                let text = String(
                    String(repeating: unit, count: count).unicodeScalars.prefix(count).map { Character($0) })
                let length = text.unicodeScalars.count
                let isValid = automaton.matches(text) && length >= minimum && length <= maximum
                #expect(probe.accepts(JSONSpelling.string(text)) == isValid, "\(unit) \(count)")
            }
        }
        // On the longest path, an end remains possible after each character.
        var matcher = GrammarMatcher(probe.grammar)
        for _ in 0..<(maximum * 2 + 40) where !matcher.isComplete {
            let allowed = matcher.allowedBytes.bytes
            #expect(!allowed.isEmpty)
            guard let byte = allowed.first(where: { $0 != UInt8(ascii: "\"") }) ?? allowed.first else { break }
            let isAccepted = matcher.accept([byte])
            #expect(isAccepted)
        }
        #expect(matcher.isComplete)
        #expect(try Grammar(decoding: probe.grammar.encoded(), limits: .standard) == probe.grammar)
    }

    @Test func lengthsThatNoTextHasAreNone() throws {
        for bounds in [(3_001, 3_001), (5_000, 6_000)] {
            let schema: JSONValue = [
                "type": "string", "pattern": "^(?:ab)*$", "minLength": .integer(Int64(bounds.0)),
                "maxLength": .integer(Int64(bounds.1)),
            ]
            let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
            #expect(error?.kind == (bounds.0 < 4_000 ? .unsatisfiable : .unsupported))
        }
    }

    /// A pattern that is too large is refused with pointer and keyword, and dropped in relaxed mode.
    @Test(arguments: [
        "^(?:\\p{L}{1,20}|\\p{N}a){500}$", "^(a|b)*a(a|b){40}$", "^(?=.*a.{20})(?=.*b.{20}).*$",
        "^(?:[^\\s]{1,5000}|x){3}$",
    ])
    func exceededLimitsAreNamed(pattern: String) throws {
        let schema: JSONValue = [
            "type": "object", "properties": ["deep": ["items": ["type": "string", "pattern": .string(pattern)]]],
        ]
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(
            error?.pointer == "#/properties/deep/items" && error?.keyword == "pattern", "\(String(describing: error))")
        let probe = try SchemaProbe(schema, mode: .relaxed)
        #expect(probe.warnings.count == 1)
        #expect(probe.accepts(#"{"deep":["?"]}"#) && !probe.accepts(#"{"deep":[1]}"#))
    }

    @Test(
        arguments: [
            ("[\\p{L} ]{1,64}", ["Zürich a", "x"], ["", "1", String(long.prefix(65))]),
            ("[^\\s]{1,2000}", ["\"\\", long], ["a b", long + "x"]),
            ("\\p{L}{1,40}-\\p{N}{1,40}", ["ä-1"], ["ä-", "1-1"]),
        ] as [(String, [String], [String])])
    func textsWithoutQuotesAreCountedToo(pattern: String, yes: [String], no: [String]) throws {
        let grammar = try SchemaCompiler().grammar(ofTextsMatching: pattern)
        for text in yes { #expect(grammar.matches(text.utf8), "\(text.prefix(80))") }
        for text in no { #expect(!grammar.matches(text.utf8), "\(text.prefix(80))") }
    }

    /// Forty tools with such patterns fit into the budget of all tools together.
    @Test func manyWideClassesAreWithinTheBudget() throws {
        let members = (0..<40).map { number -> (String, JSONValue) in
            ("k\(number)", ["type": "string", "pattern": .string("^[\\p{L}\\p{N}_ -]{1,\(20 + number)}$")])
        }
        let budget = CompileBudget()
        let probe = try SchemaProbe(
            ["type": "object", "properties": .object(JSONObject(uniqueKeysWithValues: members))], budget: budget)
        #expect(probe.accepts(#"{"k0":"Ä 1","k39":"x"}"#) && !probe.accepts(#"{"k0":"/"}"#))
        #expect(budget.usedSteps < SchemaLimits.standard.work)
    }
}
