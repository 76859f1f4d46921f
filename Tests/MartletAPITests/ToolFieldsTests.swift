import MartletAPI
import MartletJSON
import OrderedCollections
import Testing

struct ToolFieldsTests {
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
        // Two letters that Swift calls equal.
        let kelvins: JSONValue = [Self.tool("K"), Self.tool("\u{212A}")]
        #expect(try request(["tools": kelvins]).tools.offered.count == 2)
    }

    @Test func choicesSayWhatIsOffered() throws {
        func offered(_ choice: JSONValue?) throws -> (names: [String], choice: ToolFields.Choice, several: Bool) {
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
        #expect(tool.json["function"]?["parameters"] == tool.parameters)
        #expect(tool.json["function"]?["description"] == "")
    }

    @Test func aHundredToolsAreTaken() throws {
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
        (["tools": [tool("a", ["type": "array"])]], "tools[0].function.parameters.type"),
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
    ]

    @Test(arguments: bad.indices) func badInputIsRefusedByField(index: Int) {
        let (fields, parameter) = Self.bad[index]
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.status == 400)
        #expect(error?.parameter == parameter)
    }

    @Test func theLastMessageOfAnAssistantIsContinued() throws {
        let messages: JSONValue = [["role": "user", "content": "Hi"], ["role": "assistant", "content": "Hel"]]
        #expect(try request(["messages": messages]).continuesLastMessage)
        #expect(try !request(["messages": messages, "continue_final_message": false]).continuesLastMessage)
        #expect(try !request(["messages": messages, "add_generation_prompt": false]).continuesLastMessage)
        #expect(try !request([:]).continuesLastMessage)
    }
}
