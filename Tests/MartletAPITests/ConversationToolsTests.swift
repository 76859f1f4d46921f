import MartletAPI
import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

struct ConversationToolsTests {
    private static func tool(_ name: JSONValue, _ parameters: JSONValue? = nil) -> JSONValue {
        var function: JSONObject = ["name": name]
        if let parameters { function["parameters"] = parameters }
        return ["type": "function", "function": .object(function)]
    }

    private static let two: JSONValue = [tool("get_weather"), tool("add")]

    private func request(_ fields: JSONObject) throws -> ChatCompletionRequest {
        var body: JSONObject = ["messages": [["role": "user", "content": "Hi"]]]
        body.merge(fields) { $1 }
        return try ChatCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 7)
    }

    @Test func namesAreTheSameIfTheirBytesAre() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        // A combining mark is no letter, so a decomposed name is refused; it must not count as the composed one.
        let choice: JSONValue = ["type": "function", "function": ["name": .string(decomposed)]]
        #expect(throws: APIError.self) {
            try request(["tools": [Self.tool(.string(composed))], "tool_choice": choice])
        }
        // Two letters that are equal for Swift's `==`.
        let kelvins: JSONValue = [Self.tool("K"), Self.tool("\u{212A}")]
        #expect(try request(["tools": kelvins]).tools.offered.count == 2)
    }

    @Test func choicesSayWhatIsOffered() throws {
        func offered(_ choice: JSONValue?) throws -> (names: [String], choice: ConversationTools.Choice, several: Bool)
        {
            var fields: JSONObject = ["tools": Self.two]
            fields["tool_choice"] = choice
            let tools = try request(fields).tools
            return (tools.offered.map(\.name), tools.choice, tools.allowsSeveral)
        }
        let both = ["get_weather", "add"]
        #expect(try offered(nil) == (both, .auto, true))
        #expect(try offered("auto") == (both, .auto, true))
        #expect(try offered("none") == ([], .none, true))
        #expect(try offered("required") == (both, .required, true))
        // The spellings of other clients.
        #expect(try offered("any") == (both, .required, true))
        #expect(try offered(["type": "auto"]) == (both, .auto, true))
        #expect(try offered(["type": "none"]) == ([], .none, true))
        #expect(try offered(["type": "required"]) == (both, .required, true))
        #expect(try offered(["type": "any", "disable_parallel_tool_use": true]) == (both, .required, false))
        #expect(try offered(["type": "tool", "name": "add"]) == (["add"], .required, false))
        #expect(try offered(["type": "function", "name": "add"]) == (["add"], .required, false))
        #expect(try offered(["function": ["name": "add"]]) == (["add"], .required, false))
        let named: JSONValue = ["type": "function", "function": ["name": "add"]]
        #expect(try offered(named) == (["add"], .required, false))
        let some: JSONValue = [
            "type": "allowed_tools", "allowed_tools": ["mode": "required", "tools": [named]],
        ]
        #expect(try offered(some) == (["add"], .required, true))
        #expect(try request(["tools": Self.two, "parallel_tool_calls": false]).tools.allowsSeveral == false)
        #expect(try !request(["tools": []]).tools.isActive)
    }

    @Test func toolsGetWhatTemplatesLookFor() throws {
        let tool = try #require(try request(["tools": [Self.tool("f")]]).tools.tools.first)
        #expect(tool.parameters == ["type": "object", "properties": [:]])
        #expect(tool.templateForm["function"]?["parameters"] == tool.parameters)
        #expect(tool.templateForm["function"]?["description"] == "")
    }

    @Test func aHundredToolsAreAccepted() throws {
        let many = JSONValue.array((0..<100).map { Self.tool(.string("server.tool_\($0)")) })
        #expect(try request(["tools": many]).tools.offered.count == 100)
    }

    static let bad: [(fields: JSONObject, parameter: String)] = [
        (["tools": "x"], "tools"),
        (["tools": ["x"]], "tools[0]"),
        (["tools": [["type": "function"]]], "tools[0].function"),
        (["tools": [tool("")]], "tools[0].function.name"),
        (["tools": [tool(5)]], "tools[0].function.name"),
        (["tools": [tool("a b")]], "tools[0].function.name"),
        (["tools": [tool("a>")]], "tools[0].function.name"),
        (["tools": [tool(.string(String(repeating: "a", count: 257)))]], "tools[0].function.name"),
        (["tools": [tool("a"), tool("a")]], "tools[1].function.name"),
        (["tools": [tool("a", "x")]], "tools[0].function.parameters"),
        (["tools": [["type": "retrieval"]]], "tools[0].type"),
        (["tools": two, "tool_choice": "sometimes"], "tool_choice"),
        (["tools": two, "tool_choice": 5], "tool_choice"),
        (
            ["tools": two, "tool_choice": ["type": "function", "function": ["name": "rm"]]], "tool_choice.function.name"
        ),
        (["tools": two, "tool_choice": ["type": "function"]], "tool_choice.function.name"),
        (["tools": two, "tool_choice": ["type": "web"]], "tool_choice.type"),
        (["tools": two, "tool_choice": ["type": "allowed_tools"]], "tool_choice.allowed_tools.tools"),
        (["tool_choice": "required"], "tool_choice"),
        (["tools": two, "parallel_tool_calls": "no"], "parallel_tool_calls"),
        (["continue_final_message": true], "continue_final_message"),
        (["continue_final_message": "thoughts"], "continue_final_message"),
        (["tools": two, "grammar": "root ::= \"a\""], "grammar"),
        (["tools": two, "guided_regex": "a"], "guided_regex"),
        (["tools": two, "structured_outputs": ["choice": ["a"]]], "structured_outputs.choice"),
    ]

    @Test(arguments: bad.indices) func badInputIsRefusedByField(index: Int) {
        let (fields, parameter) = Self.bad[index]
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.status == 400)
        #expect(error?.field == parameter)
    }

    private static let prefilled: JSONValue = [
        ["role": "user", "content": "Hi"], ["role": "assistant", "content": "Hel"],
    ]

    @Test(
        arguments: [
            ([:], .any), (["continue_final_message": true], .any), (["continue_final_message": false], nil),
            (["continue_final_message": "content"], .content),
            (["continue_final_message": "reasoning_content"], .reasoning),
            (["add_generation_prompt": true], .any), (["add_generation_prompt": false], .any),
            (["add_generation_prompt": false, "continue_final_message": true], .any),
            (["add_generation_prompt": false, "continue_final_message": false], nil),
            (["add_generation_prompt": true, "continue_final_message": false], nil),
        ] as [(JSONObject, ChatCompletionRequest.Continuation?)])
    func theLastMessageOfAnAssistantIsContinued(
        fields: JSONObject, continuation: ChatCompletionRequest.Continuation?
    ) throws {
        #expect(try request(fields.merging(["messages": Self.prefilled]) { $1 }).continuation == continuation)
    }

    @Test func onlyAnAssistantsMessageIsContinued() throws {
        #expect(try request([:]).continuation == nil)
        let call: JSONValue = ["function": ["name": "f", "arguments": "{}"]]
        let calls: JSONValue = [["role": "assistant", "content": "", "tool_calls": [call]]]
        #expect(try request(["messages": calls]).continuation == nil)
        #expect(throws: APIError.self) { try request(["messages": calls, "continue_final_message": true]) }
        let noCalls: JSONValue = [["role": "assistant", "content": "Hel", "tool_calls": []]]
        #expect(try request(["messages": noCalls]).continuation == .any)
    }

    @Test(arguments: [true, "content", "reasoning_content"] as [JSONValue])
    func eitherAGenerationPromptOrTheContinuedMessageIsRequested(value: JSONValue) {
        let error = #expect(throws: APIError.self) {
            try request([
                "messages": Self.prefilled, "continue_final_message": value, "add_generation_prompt": true,
            ])
        }
        #expect(error?.status == 400)
        #expect(error?.field == "continue_final_message")
        #expect(error?.message.contains("add_generation_prompt") == true)
    }
}

/// OpenAI's older form of tools.
struct FunctionTests {
    private func request(_ fields: JSONObject) throws -> ChatCompletionRequest {
        var body: JSONObject = ["messages": [["role": "user", "content": "Hi"]], "functions": [["name": "f"]]]
        body.merge(fields) { $1 }
        return try ChatCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 7)
    }

    @Test func functionsAreTools() throws {
        let tools = try request([:]).tools
        #expect(tools.offered.map(\.name) == ["f"] && tools.choice == .auto && !tools.allowsSeveral)
        #expect(tools.tools[0].templateForm["type"] == "function")
        #expect(try request(["function_call": "none"]).tools.isActive == false)
        #expect(try request(["function_call": ["name": "f"]]).tools.choice == .required)
        let history: JSONValue = [
            ["role": "user", "content": "Hi"],
            ["role": "assistant", "content": .null, "function_call": ["name": "f", "arguments": "{}"]],
            ["role": "function", "name": "f", "content": "7"],
        ]
        let messages = try request(["messages": history]).messages
        #expect(messages[1].toolCalls == [ToolCallPart(id: nil, name: "f", arguments: .text("{}"))])
        #expect(messages[2].name == "f" && messages[2].toolResults.count == 1)
    }

    @Test(
        arguments: [
            (["functions": 1], "functions"), (["functions": [1]], "functions[0]"),
            (["functions": [[:]]], "functions[0].name"), (["function_call": "x"], "function_call"),
            (["function_call": ["name": "g"]], "function_call.name"),
            (["tools": [["type": "function", "function": ["name": "f"]]]], "functions"),
            (["web_search_options": [:]], "web_search_options"),
        ] as [(JSONObject, String)]) func aWrongFunctionIsNamed(fields: JSONObject, field: String)
    {
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.field == field, "\(error?.message ?? "")")
    }

    @Test func aCallHasTheOlderForm() throws {
        let view = ChatCompletionView(head: ViewTests.head, options: try .of([:]), usesFunctions: true)
        var completion = ViewTests.completion
        completion.endsInToolCalls = true
        let log: [LogEvent] = [
            .admitted(promptTokens: 1), .started(cachedTokens: 0), .call(0, name: "f"),
            .arguments(call: 0, token: 1, bytes: Array("{\"a\":1}".utf8)[...]), .finished(completion),
        ]
        let choice = try JSONParser.parse(view.response(for: log))["choices"]?.arrayValue?[0]
        #expect(choice?["finish_reason"] == "function_call")
        #expect(choice?["message"]?["function_call"] == ["name": "f", "arguments": "{\"a\":1}"])
        #expect(choice?["message"]?["tool_calls"] == nil)
        var bytes: [UInt8] = []
        for (number, event) in log.enumerated() { view.encode(event, number: number, into: &bytes) }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}"))
        #expect(text.contains("\"function_call\":{\"arguments\":\"{\\\"a\\\":1}\"}"))
        #expect(text.contains("\"finish_reason\":\"function_call\""))
    }
}
