import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletText
import OrderedCollections
import Testing

@testable import MartletAPI

/// Fields that a dialect does not honour: each one is named or refused.
struct DialectFieldTests {
    /// Reads a request of one of two dialects, which has no other field that is worth a warning.
    private func read(
        _ dialect: CompletionKind, _ fields: JSONObject, isStrict: Bool = false
    ) throws -> ChatCompletionRequest {
        var defaults = CompletionDefaults()
        defaults.refusesUnknownFields = isStrict
        var body: JSONObject =
            dialect == .messages
            ? ["max_tokens": 100, "messages": [["role": "user", "content": "Hi"]]] : ["input": "Hi"]
        body.merge(fields) { $1 }
        let input = Dialect.Input(defaults: defaults, randomSeed: 7)
        guard case .chat(let chat) = try Dialect.named(dialect).read(.object(body), input) else {
            throw APIError(.failed, "no chat")
        }
        return chat
    }

    private static let ofMessages: [(String, JSONValue, String)] = [
        ("stop", ["x"] as JSONValue, "; the field of this route is \"stop_sequences\""),
        ("response_format", ["type": "json_object"], "; the field of this route is \"output_config.format\""),
        ("json_schema", [:], "; the field of this route is \"output_config.format\""),
        ("n", 2, ""), ("max_completion_tokens", 5, "; the field of this route is \"max_tokens\""),
        ("n_predict", 5, "; the field of this route is \"max_tokens\""), ("stream_options", [:], ""),
    ]

    @Test(arguments: ofMessages) func foreignFieldsOfMessagesAreNamed(name: String, value: JSONValue, hint: String)
        throws
    {
        for isStrict in [false, true] {
            let options = try read(.messages, [name: value], isStrict: isStrict).options
            #expect(options.warnings == ["\"\(name)\": no effect on this route\(hint)"])
            #expect(options.choiceCount == 1 && options.parameters.stops.isEmpty && options.schemaGrammar == nil)
            #expect(options.parameters.maximumTokens == 100)
        }
    }

    private static let ofResponses: [(String, JSONValue, String)] = [
        ("max_tokens", 5 as JSONValue, "; the field of this route is \"max_output_tokens\""), ("stop", ["x"], ""),
        ("response_format", ["type": "json_object"], "; the field of this route is \"text.format\""),
        ("json_schema", [:], "; the field of this route is \"text.format\""), ("n", 2, ""),
        ("messages", [["role": "user"]], "; the field of this route is \"input\""),
        ("logprobs", true, "; the field of this route is \"top_logprobs\""),
        ("n_predict", 5, "; the field of this route is \"max_output_tokens\""),
    ]

    @Test(arguments: ofResponses) func foreignFieldsOfResponsesAreNamed(name: String, value: JSONValue, hint: String)
        throws
    {
        for isStrict in [false, true] {
            let options = try read(.responses, [name: value], isStrict: isStrict).options
            #expect(options.warnings == ["\"\(name)\": no effect on this route\(hint)"])
            #expect(options.choiceCount == 1 && options.parameters.stops.isEmpty && options.schemaGrammar == nil)
            #expect(options.parameters.maximumTokens == nil && options.parameters.probabilities == nil)
        }
    }

    @Test func valuesThatAskForNothingAreNotNamed() throws {
        for dialect in [CompletionKind.messages, .responses] {
            #expect(try read(dialect, ["n": 1, "stop": []], isStrict: true).options.warnings.isEmpty)
        }
        #expect(try read(.responses, ["logprobs": false], isStrict: true).options.warnings.isEmpty)
    }

    private static let misspellings: [(CompletionKind, String, String, String, JSONObject)] = [
        (CompletionKind.messages, "output_config", "fromat", "format", [:] as JSONObject),
        (.messages, "thinking", "budget_token", "budget_tokens", ["type": "adaptive"]),
        (
            .messages, "tool_choice", "disable_paralel_tool_use", "disable_parallel_tool_use",
            ["type": "auto"]
        ),
        (.responses, "reasoning", "efort", "effort", [:]), (.responses, "text", "fromat", "format", [:]),
        (.responses, "stream_options", "include_obfuscatoin", "include_obfuscation", [:]),
    ]

    @Test(arguments: misspellings) func nestedMisspellingsAreNamedOrRefused(
        dialect: CompletionKind, object: String, wrong: String, right: String, others: JSONObject
    ) throws {
        var members = others
        members[wrong] = 1
        let warnings = try read(dialect, [object: .object(members)]).options.warnings
        #expect(
            warnings.contains(
                "\"\(object).\(wrong)\": unknown field; the nearest known field is \"\(object).\(right)\""),
            "\(warnings)")
        let error = #expect(throws: APIError.self) {
            try read(dialect, [object: .object(members)], isStrict: true)
        }
        #expect(error?.error.field == "\(object).\(wrong)")
    }

    /// The members that the libraries of both companies send.
    @Test func membersThatClientsSendAreKnown() throws {
        let schema: JSONValue = ["type": "object", "properties": ["fromat": ["type": "integer"]]]
        let message = try read(
            .messages,
            [
                "output_config": ["effort": "low", "format": ["type": "json_schema", "schema": schema]],
                "thinking": ["type": "enabled", "budget_tokens": 50], "tool_choice": ["type": "none"],
                "metadata": ["user_id": "me", "team": "birds"], "chat_template_kwargs": ["anything": 1],
            ], isStrict: true)
        #expect(message.options.warnings.isEmpty)
        let response = try read(
            .responses,
            [
                "reasoning": ["effort": "low", "summary": "auto"], "metadata": ["team": "birds"],
                "stream_options": ["include_obfuscation": false],
                "text": [
                    "verbosity": "low",
                    "format": [
                        "type": "json_schema", "name": "a", "description": "b", "strict": false, "schema": schema,
                    ],
                ],
            ], isStrict: true)
        #expect(response.options.warnings.isEmpty)
        let retention = "\"prompt_cache_retention\": no effect: the server decides how long prompts stay cached"
        #expect(
            try read(.responses, ["prompt_cache_retention": "24h"], isStrict: true).options.warnings == [retention])
        let place = "\"inference_geo\": no effect: this server computes in one place"
        #expect(try read(.messages, ["inference_geo": "us"], isStrict: true).options.warnings == [place])
    }

    @Test func includedLogprobsNeedNoCount() throws {
        let include: JSONValue = ["message.output_text.logprobs"]
        #expect(try read(.responses, ["include": include]).options.parameters.probabilities?.count == 1)
        #expect(
            try read(.responses, ["include": include, "top_logprobs": 3]).options.parameters.probabilities?.count == 3)
        #expect(try read(.responses, ["top_logprobs": 0]).options.parameters.probabilities == nil)
    }

    @Test func aConversationNeedsAUser() {
        for messages: JSONValue in [
            [["role": "system", "content": ""]], [["role": "system", "content": "Be brief."]],
        ] {
            let error = #expect(throws: APIError.self) { try read(.messages, ["messages": messages]) }
            #expect(error?.error.field == "messages")
        }
    }

    private static let wrongItems: [(JSONValue, String)] = [
        (["type": "custom_tool_call", "call_id": "c", "name": "f", "input": ["a": 1]] as JSONValue, "input[0].input"),
        (["type": 5, "role": "user", "content": "Hi"], "input[0].type"),
    ]

    @Test(arguments: wrongItems) func itemsOfAWrongTypeAreRefused(item: JSONValue, field: String) {
        let error = #expect(throws: APIError.self) { try read(.responses, ["input": [item]]) }
        #expect(error?.error.field == field)
    }

    @Test func allowedToolsMayListToolsThatWereLeftOut() throws {
        let tools: JSONValue = [["type": "function", "name": "f"], ["type": "web_search"]]
        func choice(_ mode: String, _ allowed: JSONValue) -> JSONObject {
            ["tools": tools, "tool_choice": ["type": "allowed_tools", "mode": .string(mode), "tools": allowed]]
        }
        let search: JSONValue = ["type": "web_search"]
        let function: JSONValue = ["type": "function", "name": "f"]
        let both = try read(.responses, choice("required", [function, search])).tools
        #expect(both.choice == .required && both.allowed == ["f"])
        #expect(try read(.responses, choice("auto", [search])).tools.choice == .none)
        let error = #expect(throws: APIError.self) { try read(.responses, choice("required", [search])) }
        #expect(error?.error.field == "tool_choice.tools")
    }
}
