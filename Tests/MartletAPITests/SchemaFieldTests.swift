import MartletAPI
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import Testing

@Suite struct SchemaFieldTests {
    private func options(
        _ body: JSONValue, _ adapt: (inout CompletionDefaults) -> Void = { _ in }
    ) throws(APIError) -> CompletionOptions {
        var defaults = CompletionDefaults()
        adapt(&defaults)
        return try CompletionOptions(FieldReader(body), defaults: defaults, randomSeed: 0)
    }

    private static let schema: JSONValue = ["type": "array", "items": ["type": "integer"], "maxItems": 2]

    @Test(
        arguments: [
            ["json_schema": schema], ["response_format": ["type": "json_object", "schema": schema]],
            [
                "response_format": [
                    "type": "json_schema", "json_schema": ["name": "a", "strict": true, "schema": schema],
                ]
            ],
            ["response_format": ["type": "text"], "json_schema": schema],
        ] as [JSONValue])
    func schemaIsTakenFromItsField(body: JSONValue) throws {
        let grammar = try #require(try options(body).constraint).grammar
        #expect(grammar.matches("[1, 2]".utf8))
        #expect(!grammar.matches("[1,2,3]".utf8))
    }

    @Test func jsonObjectIsAnyObject() throws {
        let grammar = try #require(try options(["response_format": ["type": "json_object"]]).constraint).grammar
        #expect(grammar.matches(#"{"a": [1]}"#.utf8))
        #expect(!grammar.matches("[1]".utf8))
        #expect(try options(["response_format": ["type": "text"]]).constraint == nil)
    }

    @Test(
        arguments: [
            (["response_format": ["type": "xml"]], "response_format.type", nil),
            (["response_format": [:]], "response_format.type", nil),
            (["response_format": ["type": "json_schema"]], "response_format.json_schema", nil),
            (
                ["response_format": ["type": "json_schema", "json_schema": ["name": "a"]]],
                "response_format.json_schema.schema", nil
            ),
            (["json_schema": ["type": "thing"]], "json_schema", "invalid_schema"),
            (["json_schema": schema, "schema_mode": "lax"], "schema_mode", nil),
            (["json_schema": schema, "schema_whitespace": "wide"], "schema_whitespace", nil),
            (["json_schema": schema, "grammar": "root ::= \"a\""], "grammar", nil),
            (["json_schema": schema, "response_format": ["type": "json_object"]], "json_schema", nil),
            (["json_schema": ["$ref": "#/a"]], "json_schema", "invalid_schema"),
        ] as [(JSONValue, String, String?)])
    func mistakeNamesItsField(body: JSONValue, parameter: String, code: String?) {
        let error = #expect(throws: APIError.self) { try options(body) }
        #expect(error?.parameter == parameter)
        #expect(error?.code == code)
        #expect(error?.status == 400)
    }

    @Test func relaxedTellsWhatItLeavesOut() throws {
        let body: JSONValue = ["json_schema": ["type": "array", "uniqueItems": true], "schema_mode": "relaxed"]
        let options = try options(body)
        #expect(options.warnings.count == 1)
        let head = ResponseHead(id: "a", created: 1, model: "m", fingerprint: "f", warnings: options.warnings)
        let response = try ChatCompletionView(head: head, includesUsage: false).response(for: [
            .finished(Completion(reason: .endOfGeneration, timings: Timings()))
        ])
        #expect(try JSONParser.parse(response)["warnings"]?.arrayValue?.count == 1)
        #expect(throws: APIError.self) { try self.options(["json_schema": ["type": "array", "uniqueItems": true]]) }
        let byDefault = try self.options(["json_schema": ["type": "array", "uniqueItems": true]]) {
            $0.schemaCompiler.mode = .relaxed
        }
        #expect(byDefault.warnings == options.warnings)
    }
}
