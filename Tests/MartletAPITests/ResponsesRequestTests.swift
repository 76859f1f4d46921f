import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletText
import OrderedCollections
import Testing

@testable import MartletAPI

/// Requests for OpenAI's Responses.
struct ResponsesRequestTests {
    private func request(_ fields: JSONObject, history: [JSONValue] = []) throws -> ChatCompletionRequest {
        var body: JSONObject = ["input": "Hi"]
        body.merge(fields) { $1 }
        return try ResponsesRequest.read(
            .object(body), history: history, defaults: CompletionDefaults(), randomSeed: 7)
    }

    private static let call: JSONValue = [
        "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}", "id": "fc_1",
        "status": "completed",
    ]
    private static let function: JSONValue = ["type": "function", "name": "f", "parameters": ["type": "object"]]

    @Test func textsAndItemsBecomeMessages() throws {
        #expect(
            try request(["instructions": "Be brief."]).messages
                == [ConversationMessage(.system, "Be brief."), ConversationMessage(.user, "Hi")])
        let input: JSONValue = [
            ["role": "developer", "content": "D"],
            ["type": "message", "role": "user", "content": [["type": "input_text", "text": "a"]]],
            [
                "type": "reasoning", "id": "rs_1", "summary": [],
                "content": [["type": "reasoning_text", "text": "Hm."]],
            ],
            [
                "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [
                    ["type": "output_text", "text": "Well.", "annotations": []], ["type": "refusal", "refusal": "No."],
                ],
            ],
            Self.call, ["type": "function_call_output", "call_id": "c1", "output": "7"],
        ]
        #expect(
            try request(["input": input]).messages == [
                ConversationMessage(.developer, "D"), ConversationMessage(.user, parts: [.text("a")]),
                ConversationMessage(
                    .assistant,
                    parts: [
                        .reasoning(ReasoningPart("Hm.")), .text("Well."), .text("No."),
                        .toolCall(ToolCallPart(id: "c1", name: "f", arguments: .text("{\"a\":1}"))),
                    ], isPlain: true),
                ConversationMessage(
                    .tool, parts: [.toolResult(ToolResultPart(callID: "c1", content: [.text("7")], isPlain: true))]),
            ])
    }

    @Test func theHistoryPrecedesTheInput() throws {
        let output: JSONValue = [
            "type": "function_call_output", "call_id": "c1", "output": [["type": "input_text", "text": "7"]],
        ]
        let read = try request(["input": [output]], history: [["role": "user", "content": "a"], Self.call])
        #expect(read.messages.map(\.role) == [.user, .assistant, .tool])
        #expect(read.messages[2].toolResults[0].content == [.text("7")])
    }

    @Test func sealedReasoningIsReadAgain() throws {
        func reasoning(_ text: String) throws -> [ConversationPart] {
            try request([
                "input": [
                    ["role": "user", "content": "a"],
                    ["type": "reasoning", "summary": [], "encrypted_content": .string(text)],
                ]
            ]).messages[1].parts
        }
        #expect(try reasoning(SealedText.reasoning.seal(Array("Hé.".utf8))) == [.reasoning(ReasoningPart("Hé."))])
        #expect(try reasoning("gAAAA") == [.reasoning(ReasoningPart("", redacted: "gAAAA"))])
    }

    @Test func toolsAreMappedToFunctionsAndBack() throws {
        let body: JSONObject = [
            "tools": [
                Self.function,
                ["type": "custom", "name": "code", "format": ["type": "grammar", "definition": "start: x"]],
                ["type": "namespace", "name": "mcp__git", "tools": [["name": "log", "parameters": [:]]]],
                ["type": "web_search"],
            ]
        ]
        let read = try request(body)
        #expect(read.tools.offered.map(\.name) == ["f", "code", "mcp__git__log"])
        #expect(read.tools.tools[1].templateForm["function"]?["description"]?.stringValue?.contains("start: x") == true)
        #expect(read.options.warnings.count == 1 && read.options.warnings[0].contains("web_search"))
        let forms = ResponseTools.forms(of: .object(body))
        #expect(forms == ["code": .custom, "mcp__git__log": .member(name: "log", namespace: "mcp__git")])
        let history: JSONValue = [
            ["role": "user", "content": "a"],
            ["type": "custom_tool_call", "call_id": "1", "name": "code", "input": "x"],
            ["type": "custom_tool_call_output", "call_id": "1", "output": "y"],
            ["type": "function_call", "call_id": "2", "namespace": "mcp__git", "name": "log", "arguments": ""],
        ]
        let calls = try request(["input": history]).messages.flatMap(\.toolCalls)
        #expect(calls.map(\.name) == ["code", "mcp__git__log"])
        #expect(calls.map(\.arguments) == [.object(["input": "x"]), .text("{}")])
    }

    @Test func toolChoicesSayWhatIsOffered() throws {
        func tools(_ choice: JSONValue) throws -> ConversationTools {
            try request(["tools": [Self.function, ["type": "custom", "name": "g"]], "tool_choice": choice]).tools
        }
        #expect(try tools("none").isActive == false)
        #expect(try tools("required").choice == .required)
        #expect(try tools(["type": "function", "name": "f"]).offered.map(\.name) == ["f"])
        #expect(try tools(["type": "custom", "name": "g"]).offered.map(\.name) == ["g"])
        let some = try tools([
            "type": "allowed_tools", "mode": "required", "tools": [["type": "function", "name": "f"]],
        ])
        #expect(some.offered.map(\.name) == ["f"] && some.choice == .required)
        #expect(try request(["tools": [Self.function], "parallel_tool_calls": false]).tools.allowsSeveral == false)
        let many = JSONValue.array((0..<300).map { ["type": "function", "name": .string("tool_\($0)")] })
        #expect(try request(["tools": many]).tools.offered.count == 300)
    }

    @Test func fieldsOfTheCompletionAreRead() throws {
        let read = try request([
            "max_output_tokens": 9, "temperature": 0.5, "reasoning": ["effort": "xhigh", "summary": "auto"],
            "stream": true,
            "background": true, "min_p": 0.25, "truncation": "auto", "metadata": ["a": "b"], "user": "u",
            "include": ["message.output_text.logprobs"], "top_logprobs": 2,
            "text": [
                "verbosity": "low", "format": ["type": "json_schema", "name": "n", "schema": ["type": "object"]],
            ],
        ])
        #expect(read.options.parameters.maximumTokens == 9 && read.options.sampling.minP == 0.25)
        #expect(read.options.streams && read.options.isBackground && read.options.schemaGrammar != nil)
        #expect(read.templateArguments == ["reasoning_effort": "high"])
        #expect(read.options.parameters.probabilities?.count == 2)
        #expect(try request(["reasoning": ["effort": "none"]]).templateArguments == ["enable_thinking": false])
    }

    static let bad: [(fields: JSONObject, field: String)] = [
        (["input": .null], "input"), (["input": []], "input"), (["input": 5], "input"), (["input": [1]], "input[0]"),
        (["input": [["type": "poem"]]], "input[0].type"),
        (["input": [["role": "tool", "content": "x"]]], "input[0].role"),
        (["input": [["role": "user"]]], "input[0].content"),
        (["input": [["role": "user", "content": [["type": "text_file"]]]]], "input[0].content[0].type"),
        (
            ["input": [["role": "user", "content": [["type": "input_image", "image_url": "data:,"]]]]],
            "input[0].content[0].type"
        ),
        (["input": [["role": "user", "content": [["type": "input_text"]]]]], "input[0].content[0].text"),
        (["input": [["type": "item_reference", "id": "msg_1"]]], "input[0].id"),
        (["input": [["type": "function_call_output", "call_id": "c9", "output": "x"]]], "input[0].call_id"),
        (["input": [call, call]], "input[1].call_id"),
        (["input": [call, ["type": "function_call_output", "call_id": "c1"]]], "input[1].output"),
        (
            [
                "input": [
                    call, ["type": "function_call_output", "call_id": "c1", "output": "x"],
                    ["type": "function_call_output", "call_id": "c1", "output": "x"],
                ]
            ], "input[2].call_id"
        ),
        (
            ["input": [["type": "function_call", "call_id": "c", "name": "f", "arguments": "[1]"]]],
            "input[0].arguments"
        ),
        (["input": [["type": "function_call", "name": "f", "arguments": "{}"]]], "input[0].call_id"),
        (["input": [["type": "reasoning", "content": [["type": "reasoning_text"]]]]], "input[0].content[0].text"),
        (["instructions": 5], "instructions"), (["max_output_tokens": 0], "max_output_tokens"),
        (["temperature": "x"], "temperature"), (["tools": [["type": "poem"]]], "tools[0].type"),
        (["tools": [["type": "function"]]], "tools[0].name"), (["tools": [function, function]], "tools[1].name"),
        (["tools": [["type": "function", "name": "f", "parameters": 1]]], "tools[0].parameters"),
        (["tools": [["type": "namespace", "name": "n", "tools": [["name": "a b"]]]]], "tools[0].tools[0].name"),
        (["tool_choice": "required"], "tool_choice"), (["tool_choice": "some"], "tool_choice"),
        (["tools": [function], "tool_choice": ["type": "function", "name": "g"]], "tool_choice.name"),
        (["tools": [function], "tool_choice": ["type": "web_search"]], "tool_choice.type"),
        (["text": ["format": ["type": "xml"]]], "text.format.type"),
        (["text": ["format": ["type": "json_schema"]]], "text.format.schema"),
        (
            ["text": ["format": ["type": "json_schema", "strict": true, "schema": ["$ref": "#/$defs/missing"]]]],
            "text.format.schema"
        ),
        (["truncation": "some"], "truncation"), (["include": "x"], "include"), (["include": [1]], "include[0]"),
        (["metadata": ["a": 1]], "metadata"), (["reasoning": ["effort": 1]], "reasoning.effort"),
        (["store": false, "background": true], "store"), (["store": "x"], "store"), (["prompt": ["id": "p"]], "prompt"),
        (["conversation": 5], "conversation"), (["top_logprobs": 21], "top_logprobs"),
    ]

    @Test(arguments: bad.indices) func aWrongFieldIsNamed(index: Int) {
        let error = #expect(throws: APIError.self) { try request(Self.bad[index].fields) }
        #expect(error?.field == Self.bad[index].field, "\(error?.message ?? "")")
    }

    @Test func inputItemsHavePages() throws {
        let body: JSONValue = [
            "input": [["role": "user", "content": "a"], ["id": "x", "role": "user", "content": "b"]]
        ]
        let all = try ResponseItemList.page(of: body, response: "resp_00", .init(limit: nil, order: "asc", after: nil))
        #expect(all["data"]?.arrayValue?.map { $0["id"] } == ["msg_00i0", "x"] && all["has_more"] == false)
        let first = try ResponseItemList.page(of: body, response: "resp_00", .init(limit: 1, order: nil, after: nil))
        #expect(first["last_id"] == "x" && first["has_more"] == true)
        let next = try ResponseItemList.page(of: body, response: "resp_00", .init(limit: 1, order: nil, after: "x"))
        #expect(next["first_id"] == "msg_00i0" && next["has_more"] == false)
        #expect(throws: APIError.self) { try PageQuery(limit: 0, order: nil, after: nil) }
        #expect(throws: APIError.self) { try PageQuery(limit: nil, order: "up", after: nil) }
        #expect(throws: APIError.self) {
            try ResponseItemList.page(of: body, response: "resp_00", .init(limit: nil, order: nil, after: "no"))
        }
        #expect(ResponseItemList.items(of: ["input": "Hi"]).count == 1)
    }
}
