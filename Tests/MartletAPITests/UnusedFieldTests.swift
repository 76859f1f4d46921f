import MartletAPI
import MartletGenerations
import MartletJSON
import MartletStreams
import OrderedCollections
import Testing

/// Fields of requests that have no effect.
struct UnusedFieldTests {
    private func text(_ json: JSONObject, isStrict: Bool = false) throws -> [String] {
        var defaults = CompletionDefaults()
        defaults.refusesUnknownFields = isStrict
        return try TextCompletionRequest(
            .object(json.merging(["prompt": "a"]) { $1 }), defaults: defaults, randomSeed: 0
        ).options.warnings
    }

    private func chat(_ json: JSONObject, isStrict: Bool = false) throws -> [String] {
        var defaults = CompletionDefaults()
        defaults.refusesUnknownFields = isStrict
        let messages: JSONValue = [["role": "user", "content": "a"]]
        return try ChatCompletionRequest(
            .object(json.merging(["messages": messages]) { $1 }), defaults: defaults, randomSeed: 0
        ).options.warnings
    }

    @Test(
        arguments: [
            (["temprature": 1], ["\"temprature\": unknown field; the nearest known field is \"temperature\""]),
            (["zzzzzzzzzzzzz": 1], ["\"zzzzzzzzzzzzz\": unknown field"]),
            (["zzzzzzzzzzzzz": .null], []),
            (
                ["stream_options": ["include_usag": true]],
                [
                    "\"stream_options.include_usag\": unknown field; the nearest known field is "
                        + "\"stream_options.include_usage\""
                ]
            ),
            (["stream_options": ["include_obfuscation": false]], []),
            (
                ["n_predict": 3, "max_tokens": 4],
                ["\"max_tokens\": no effect: another field of the request replaces it"]
            ),
            (["max_tokens": 4], []), (["user": "me", "metadata": ["a": 1]], []),
            (["store": true], ["\"store\": no effect: completions are not stored"]),
            (["tools": []], []), (["messages": []], ["\"messages\": no effect on this route"]),
            (["grammar_type": "x"], []),
        ] as [(JSONObject, [String])])
    func aFieldWithoutEffectIsNamed(json: JSONObject, warnings: [String]) throws {
        #expect(try text(json) == warnings)
    }

    @Test func aChatKnowsItsOwnFields() throws {
        #expect(
            try chat([
                "tools": [], "tool_choice": "auto", "parallel_tool_calls": true, "reasoning_effort": "low",
                "chat_template_kwargs": ["anything": 1], "continue_final_message": false,
                "add_generation_prompt": true, "reasoning_budget_message": "x", "cache_prompt": true,
                "response_format": [
                    "type": "json_schema",
                    "json_schema": ["name": "n", "description": "d", "schema": [:], "strict": false],
                ],
            ]) == [])
        #expect(try chat(["enable_thinkin": true]).count == 1)
    }

    @Test func aStrictServerRefusesUnknownFieldsOnly() throws {
        let error = #expect(throws: APIError.self) { try chat(["top_kk": 1], isStrict: true) }
        #expect(error?.status == 400 && error?.error.field == "top_kk")
        #expect(error?.message.contains("the nearest known field is \"top_k\"") == true, "\(error?.message ?? "")")
        #expect(try chat(["user": "me"], isStrict: true) == [])
        #expect(try chat(["store": true], isStrict: true) == [])
        #expect(try text(["store": true], isStrict: true).count == 1)
        #expect(try text(["n_predict": 3, "max_tokens": 4], isStrict: true).count == 1)
    }

    @Test func embeddingsAndRerankingReportToo() throws {
        #expect(try EmbeddingRequest(["input": "a", "dimension": 3], isOpenAI: true).warnings.count == 1)
        #expect(throws: APIError.self) { try EmbeddingRequest(["input": "a", "x": 3], isOpenAI: true, isStrict: true) }
        #expect(try RerankRequest(["query": "q", "documents": ["d"], "top_k": 3]).warnings.count == 1)
        #expect(throws: APIError.self) {
            try RerankRequest(["query": "q", "documents": ["d"], "top_k": 3], isStrict: true)
        }
    }

    @Test func theHeaderIsShortAndPrintable() {
        #expect(UnusedFields.header([]) == nil)
        #expect(UnusedFields.header(["a\r\nb\u{e9}", "c"]) == "a\\u{d}\\u{a}b\\u{e9}; c")
        let many = UnusedFields.header((0..<200).map { "warning \($0) " + String(repeating: "x", count: 30) })
        #expect((many?.utf8.count ?? 0) <= UnusedFields.headerLimit)
        #expect(many?.hasSuffix(" more") == true)
        #expect(UnusedFields.header([String(repeating: "x", count: 5_000)]) == "and 1 more")
    }

    /// The report equals the difference of sets that a reader can compute by hand, for random bodies and readers.
    @Test func theReportEqualsASetDifference() throws {
        var random = SystemRandomNumberGenerator()
        let names = (0..<12).map { "name-with-number-\($0)" }
        for _ in 0..<200 {
            let body = names.shuffled(using: &random).prefix(Int.random(in: 0...12, using: &random))
            let asked = Set(names.shuffled(using: &random).prefix(Int.random(in: 0...12, using: &random)))
            let fields = try FieldReader(
                .object(JSONObject(uniqueKeysWithValues: body.map { ($0, JSONValue.bool(true)) })))
            for name in asked { _ = try fields.bool(name) }
            #expect(fields.unused().map(\.path) == body.filter { !asked.contains($0) })
        }
    }

    @Test func aReportIsBounded() throws {
        let fields = try FieldReader(.object(JSONObject(uniqueKeysWithValues: (0..<5_000).map { ("f\($0)", 1) })))
        #expect(fields.unused().count == 16)
    }
}
