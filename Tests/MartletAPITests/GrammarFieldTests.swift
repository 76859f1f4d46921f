import MartletAPI
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

@Suite struct GrammarFieldTests {
    private func constraint(_ fields: JSONObject) throws -> GenerationConstraint? {
        let body: JSONObject = ["prompt": "x"]
        return try TextCompletionRequest(
            .object(body.merging(fields) { $1 }), defaults: CompletionDefaults(), randomSeed: 0
        ).options.constraint
    }

    @Test func grammarReachesTheEngine() throws {
        let constraint = try constraint(["grammar": "root ::= \"a\"+"])
        #expect(constraint?.grammar.matches("aaa".utf8) == true)
        #expect(constraint?.grammar.matches("ab".utf8) == false)
    }

    @Test func anEmptyGrammarRequestsNothing() throws {
        for value: JSONValue in ["", .null] { #expect(try self.constraint(["grammar": value]) == nil) }
    }

    @Test(
        arguments: [
            ("root ::= \"a", 1, 10), ("a ::= \"x\"", 1, 1), ("root ::= \"x\"\nb ::= b", 2, 1),
            ("root ::= \"a\"{2000000000}", 1, 13), (String(repeating: "(", count: 60_000), 1, 1),
            ("root ::= " + String(repeating: "(", count: 60_000), 1, 210),
        ] as [(String, Int, Int)])
    func anErrorReportsCodeAndLocation(grammar: String, line: Int, column: Int) throws {
        let error = #expect(throws: APIError.self) { try constraint(["grammar": .string(grammar)]) }
        #expect(error?.status == 400)
        #expect(error?.code == "invalid_grammar")
        let body = try JSONParser.parse(try #require(error).body())["error"]
        #expect(body?["code"] == "invalid_grammar")
        #expect(body?["param"] == "grammar")
        #expect(body?["line"]?.integerValue == Int64(line), "\(error?.message ?? "")")
        #expect(body?["column"]?.integerValue == Int64(column), "\(error?.message ?? "")")
    }

    @Test func lazyGrammarWaitsForItsTrigger() throws {
        let grammar = try #require(
            try constraint([
                "grammar": "root ::= \"<call>\" [0-9]+", "grammar_lazy": true,
                "grammar_triggers": [["type": 1, "value": "<call>"]],
            ])
        ).grammar
        #expect(grammar.matches("any text <cal".utf8))
        #expect(grammar.matches("any text <call>12".utf8))
        #expect(!grammar.matches("any text <call>".utf8))
        #expect(!grammar.matches("any text <call>x".utf8))
        #expect(!grammar.matches("<call>12 <call>12".utf8))
    }

    @Test(
        arguments: [
            (["grammar_lazy": true], "grammar_triggers"),
            (["grammar_lazy": 1], "grammar_lazy"),
            (["grammar_lazy": true, "grammar_triggers": [["type": 2, "value": "x"]]], "grammar_triggers[0].type"),
            (["grammar_lazy": true, "grammar_triggers": [["type": 9]]], "grammar_triggers[0].type"),
            (["grammar_lazy": true, "grammar_triggers": [["type": 0, "value": "x"]]], "grammar_triggers[0].token"),
            (["grammar_lazy": true, "grammar_triggers": [["type": 1, "value": ""]]], "grammar_triggers[0].value"),
            (["grammar": 1], "grammar"),
        ] as [(JSONObject, String)])
    func badTriggersAreRefusedByName(fields: JSONObject, name: String) {
        let base: JSONObject = ["grammar": "root ::= \"a\""]
        let error = #expect(throws: APIError.self) { try constraint(base.merging(fields) { $1 }) }
        #expect(error?.status == 400)
        #expect(error?.field == name)
    }

    @Test func reasoningComesBeforeTheGrammar() throws {
        let grammar = try GBNFParser.grammar("root ::= \"yes\"".utf8)
        let after = try grammar.afterReasoning(from: "<think>", to: "</think>", isOpen: false)
        for text in ["yes", "<think>no</think>yes", "<think></think>\n\nyes", "\n<think>a</thin</think> yes"] {
            #expect(after.matches(text.utf8), "\(text)")
        }
        for text in ["no", "<think>yes", "<think></think>no", "yesyes"] {
            #expect(!after.matches(text.utf8), "\(text)")
        }
        let open = try grammar.afterReasoning(from: "<think>", to: "</think>", isOpen: true)
        #expect(open.matches("hm</think>yes".utf8))
        #expect(!open.matches("yes".utf8))
    }
}
