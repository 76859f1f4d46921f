import MartletAPI
import MartletConversation
import MartletGenerations
import MartletJSON
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
