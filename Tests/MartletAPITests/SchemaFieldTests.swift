import MartletAPI
import MartletGenerations
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
            ["response_format": ["type": "json", "value": schema]],
            [
                "response_format": [
                    "type": "json_schema", "json_schema": ["name": "a", "strict": true, "schema": schema],
                ]
            ],
            ["response_format": ["type": "json_schema", "schema": schema]],
            ["response_format": ["type": "json", "value": schema]],
            ["response_format": ["type": "json_object", "value": schema]],
            ["response_format": ["type": "json_schema", "value": ["name": "a", "schema": schema]]],
            ["response_format": ["type": "text"], "json_schema": schema],
            ["guided_json": schema], ["structured_outputs": ["json": schema]],
            ["structured_outputs": ["json": .string(schema.text)]], ["guided_json": .string(schema.text)],
        ] as [JSONValue])
    func schemaIsReadFromItsField(body: JSONValue) throws {
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
            (["response_format": ["type": "json_schema"]], "response_format.json_schema.schema", nil),
            (
                ["response_format": ["type": "json_schema", "json_schema": ["name": "a"]]],
                "response_format.json_schema.schema", nil
            ),
            (["json_schema": ["type": "thing"], "schema_mode": "strict"], "json_schema", "invalid_schema"),
            (["json_schema": schema, "schema_mode": "lax"], "schema_mode", nil),
            (["json_schema": schema, "schema_whitespace": "wide"], "schema_whitespace", nil),
            (["json_schema": schema, "grammar": "root ::= \"a\""], "grammar", nil),
            (["json_schema": schema, "response_format": ["type": "json_object"]], "json_schema", nil),
            (["json_schema": ["$ref": "#/a"], "schema_mode": "strict"], "json_schema", "invalid_schema"),
            (
                [
                    "response_format": [
                        "type": "json_schema",
                        "json_schema": ["name": "a", "strict": true, "schema": ["pattern": "(?<=a)b"]],
                    ], "schema_mode": "relaxed",
                ], "response_format.json_schema.schema", "invalid_schema"
            ),
            (["json_schema": 5], "json_schema", "invalid_schema"),
        ] as [(JSONValue, String, String?)])
    func mistakeNamesItsField(body: JSONValue, parameter: String, code: String?) {
        let error = #expect(throws: APIError.self) { try options(body) }
        #expect(error?.field == parameter)
        #expect(error?.code == code)
        #expect(error?.status == 400)
    }

    /// Without `strict` supported keywords are enforced, and warnings name the others.
    @Test func omittedKeywordsAreReported() throws {
        let schema: JSONValue = ["type": "string", "pattern": "(?<=a)b", "maxLength": 2]
        let options = try options(["json_schema": schema])
        #expect(options.warnings.count == 1)
        #expect(options.warnings.first?.contains("'pattern' at #") == true)
        let grammar = try #require(options.constraint).grammar
        #expect(grammar.matches(#""xy""#.utf8) && !grammar.matches(#""xyz""#.utf8))
        let head = ResponseHead(id: "a", created: 1, model: "m", fingerprint: "f", warnings: options.warnings)
        let response = try ChatCompletionView(head: head, includesUsage: false).response(for: [
            .finished(GenerationSummary(reason: .endOfGeneration, timings: Timings()))
        ])
        #expect(try JSONParser.parse(response)["warnings"]?.arrayValue?.count == 1)
        let described: JSONValue = [
            "response_format": ["type": "json_schema", "json_schema": ["name": "a", "schema": schema]]
        ]
        #expect(try self.options(described).warnings == options.warnings)
    }

    /// The request's mode takes precedence over the server's flag.
    @Test func strictModeRefusesWhereverItIsSet() throws {
        func described(_ strict: JSONValue?, mode: JSONValue? = nil) -> JSONValue {
            var format: JSONObject = ["name": "a", "schema": ["type": "string", "pattern": "(?<=a)b"]]
            format["strict"] = strict
            var body: JSONObject = ["response_format": ["type": "json_schema", "json_schema": .object(format)]]
            body["schema_mode"] = mode
            return .object(body)
        }
        func isAccepted(_ body: JSONValue, server: SchemaMode) -> Bool {
            (try? options(body) { $0.schemaCompiler.mode = server }) != nil
        }
        for server in SchemaMode.allCases {
            #expect(isAccepted(described(nil), server: server) == (server == .relaxed))
            #expect(isAccepted(described(.null), server: server) == (server == .relaxed))
            #expect(isAccepted(described(false), server: server))
            #expect(!isAccepted(described(true), server: server))
            #expect(isAccepted(described(nil, mode: "relaxed"), server: server))
            #expect(!isAccepted(described(nil, mode: "strict"), server: server))
        }
    }
}
