import MartletAPI
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// vLLM's names for constraints.
@Suite struct GuidedFieldsTests {
    private func grammar(_ fields: JSONObject) throws -> Grammar {
        try #require(try CompletionOptions.of(fields).constraint).grammar
    }

    /// A member of `structured_outputs` and its older name, with texts that match and texts that do not.
    static let members: [(name: String, value: JSONValue, right: [String], wrong: [String])] = [
        ("json", ["type": "integer"], ["1", "-20"], ["", "1.5", "a", "\"1\""]),
        ("json_object", true, ["{}", "{\"a\": [1]}"], ["", "[]", "1"]),
        ("regex", "[a-c]{2}|x+", ["ab", "cc", "x", "xxx"], ["", "a", "abx", "xa", "abc"]),
        ("regex", "^\\d{4}-\\d\\d$", ["2026-11"], ["2026-1", "x2026-11", "2026-11\n"]),
        ("regex", "(?=.{3}$)[é-ü]*", ["éüé"], ["éü", "éüéü", "abc"]),
        ("choice", ["yes", "no", "no way"], ["yes", "no", "no way"], ["", "n", "no ", "yesno", "\"no\""]),
        ("grammar", "root ::= \"a\" [0-9]", ["a1"], ["a", "b1", "a12"]),
    ]

    @Test(arguments: members.indices) func everyMemberHolds(index: Int) throws {
        let (name, value, right, wrong) = Self.members[index]
        for fields: JSONObject in [["structured_outputs": .object([name: value])], ["guided_" + name: value]] {
            let grammar = try grammar(fields)
            for text in right { #expect(grammar.matches(text.utf8), "\(name): \(text)") }
            for text in wrong { #expect(!grammar.matches(text.utf8), "\(name): \(text)") }
        }
    }

    @Test func aThousandChoicesWithOnePrefixAreAccepted() throws {
        let texts = (0..<1_000).map { JSONValue.string("item \($0)") }
        let grammar = try grammar(["guided_choice": .array(texts)])
        #expect(grammar.matches("item 999".utf8))
        #expect(!grammar.matches("item 1000".utf8))
    }

    @Test func fieldsWithoutARequestAreIgnored() throws {
        for fields: JSONObject in [
            ["structured_outputs": [:]], ["structured_outputs": .null], ["guided_json": .null],
            ["structured_outputs": ["json_object": false]], ["structured_outputs": ["disable_fallback": true]],
            ["guided_decoding_backend": "xgrammar"],
        ] {
            #expect(try CompletionOptions.of(fields).constraint == nil)
        }
    }

    @Test func whiteSpaceCanBeForbidden() throws {
        let schema: JSONValue = ["type": "array", "items": ["type": "integer"]]
        let grammar = try grammar(["structured_outputs": ["json": schema, "disable_any_whitespace": true]])
        #expect(grammar.matches("[1,2]".utf8))
        #expect(!grammar.matches("[1, 2]".utf8))
    }

    static let refused: [(fields: JSONObject, parameter: String, code: String?)] = [
        (["guided_regex": "("], "guided_regex", "invalid_grammar"),
        (["guided_regex": "a)(b"], "guided_regex", "invalid_grammar"),
        (["guided_regex": "(a)\\1"], "guided_regex", "invalid_grammar"),
        (["structured_outputs": ["regex": "[^\\s\\S]"]], "structured_outputs.regex", "invalid_grammar"),
        (["guided_regex": ""], "guided_regex", nil), (["guided_regex": 1], "guided_regex", nil),
        (["guided_choice": []], "guided_choice", nil), (["guided_choice": ["a", ""]], "guided_choice[1]", nil),
        (["guided_choice": "a"], "guided_choice", nil), (["guided_choice": ["a", 1]], "guided_choice[1]", nil),
        (["guided_json": "{"], "guided_json", nil),
        (["guided_json": false], "guided_json", "invalid_schema"),
        (["guided_grammar": "root ::= x"], "guided_grammar", "invalid_grammar"),
        (["structured_outputs": "json"], "structured_outputs", nil),
        (["structured_outputs": ["structural_tag": "{}"]], "structured_outputs.structural_tag", nil),
        (["structured_outputs": ["json": [:], "regex": "a"]], "structured_outputs.regex", nil),
        (["structured_outputs": ["json": [:]], "guided_choice": ["a"]], "guided_choice", nil),
        (["guided_json": [:], "json_schema": [:]], "json_schema", nil),
        (["guided_regex": "a", "grammar": "root ::= \"a\""], "grammar", nil),
        (["guided_choice": ["a"], "response_format": ["type": "json_object"]], "response_format", nil),
    ]

    @Test(arguments: refused.indices) func aMistakeNamesItsField(index: Int) {
        let (fields, parameter, code) = Self.refused[index]
        let error = #expect(throws: APIError.self) { try CompletionOptions.of(fields) }
        #expect(error?.field == parameter, "\(error?.message ?? "")")
        #expect(error?.code == code)
        #expect(error?.status == 400)
    }
}
