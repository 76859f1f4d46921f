import MartletAPI
import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

/// Requests for Anthropic's Messages.
struct MessagesRequestTests {
    private func request(_ fields: JSONObject = [:], without name: String? = nil) throws -> ChatCompletionRequest {
        var body: JSONObject = ["max_tokens": 100, "messages": [["role": "user", "content": "Hi"]]]
        body.merge(fields) { $1 }
        if let name { body[name] = nil }
        return try MessagesRequest.read(.object(body), defaults: CompletionDefaults(), randomSeed: 7)
    }

    private func messages(_ messages: JSONValue, system: JSONValue? = nil) throws -> [ConversationMessage] {
        var fields: JSONObject = ["messages": messages]
        fields["system"] = system
        return try request(fields).messages
    }

    private static let call: JSONValue = ["type": "tool_use", "id": "t1", "name": "f", "input": ["a": 1]]
    private static let asked: JSONValue = ["role": "user", "content": "Hi"]
    private static let tool: JSONValue = ["name": "f", "input_schema": ["type": "object"]]

    @Test func textsAndBlocksOfTheSystemComeFirst() throws {
        #expect(
            try messages([Self.asked], system: "Be brief.")
                == [ConversationMessage(.system, "Be brief."), ConversationMessage(.user, "Hi")])
        let blocks: JSONValue = [
            ["type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=1f3a"],
            ["type": "text", "text": "A"], ["type": "text", "text": "B", "cache_control": ["type": "ephemeral"]],
        ]
        #expect(
            try messages([Self.asked], system: blocks) == [
                ConversationMessage(.system, parts: [.text("A"), .text("B")]), ConversationMessage(.user, "Hi"),
            ])
    }

    @Test func callsAndResultsBecomeMessagesInTheirOrder() throws {
        let read = try messages([
            Self.asked,
            [
                "role": "assistant",
                "content": [
                    ["type": "thinking", "thinking": "Hm.", "signature": "foreign"],
                    ["type": "redacted_thinking", "data": "xyz"], ["type": "text", "text": "Well."], Self.call,
                ],
            ],
            [
                "role": "user",
                "content": [
                    ["type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "no"],
                    ["type": "text", "text": "Go on."],
                ],
            ],
        ])
        #expect(
            read == [
                ConversationMessage(.user, "Hi"),
                ConversationMessage(
                    .assistant,
                    parts: [
                        .reasoning(ReasoningPart("Hm.", signature: "foreign")),
                        .reasoning(ReasoningPart("", redacted: "xyz")), .text("Well."),
                        .toolCall(ToolCallPart(id: "t1", name: "f", arguments: .object(["a": 1]))),
                    ], isPlain: true),
                ConversationMessage(
                    .tool,
                    parts: [
                        .toolResult(
                            ToolResultPart(callID: "t1", content: [.text("no")], isPlain: true, isError: true))
                    ]),
                ConversationMessage(.user, parts: [.text("Go on.")]),
            ])
        #expect(read[1].reasoning == "Hm.")
    }

    @Test func consecutiveTurnsOfOneRoleAreOne() throws {
        let read = try messages([
            Self.asked, ["role": "user", "content": [["type": "text", "text": "there"]]],
            ["role": "assistant", "content": "He"], ["role": "assistant", "content": "llo"],
        ])
        #expect(read.map(\.texts) == [["Hi", "there"], ["He", "llo"]])
        #expect(read[1].isPlain)
    }

    @Test func theAssistantsLastMessageIsContinued() throws {
        let prefill: JSONValue = [Self.asked, ["role": "assistant", "content": "Sure:"]]
        #expect(try request(["messages": prefill]).continuation == .any)
        #expect(try request().continuation == nil)
    }

    /// A conversation from Anthropic's servers goes on here, without the parts that only they can use.
    @Test func partsOfOtherServersAreLeftOut() throws {
        let read = try request([
            "max_tokens": 0,
            "messages": [
                Self.asked,
                [
                    "role": "assistant",
                    "content": [
                        ["type": "text", "text": "a"], ["type": "server_tool_use", "id": "s", "name": "web_search"],
                        ["type": "web_search_tool_result", "tool_use_id": "s", "content": []],
                        ["type": "web_search_tool_result", "tool_use_id": "s", "content": []],
                    ],
                ],
                [
                    "role": "user",
                    "content": [["type": "container_upload", "file_id": "f"], ["type": "text", "text": "b"]],
                ],
            ],
        ])
        #expect(read.messages.map(\.role) == [.user, .assistant, .user])
        #expect(read.messages[1].parts == [.text("a")] && read.messages[2].parts == [.text("b")])
        #expect(read.options.warnings.count == 3)
        #expect(read.options.warnings[1].contains("2 blocks of type \"web_search_tool_result\" were left out"))
        // The prompt is computed for the next request.
        #expect(read.options.parameters.maximumTokens == 0)
    }

    @Test func aSummaryReplacesTheMessagesBefore() throws {
        let summary: JSONValue = ["type": "compaction", "content": "Ada asked."]
        let read = try request([
            "system": "s",
            "messages": [
                Self.asked,
                [
                    "role": "assistant",
                    "content": [["type": "text", "text": "a"], summary, ["type": "text", "text": "c"]],
                ],
                ["role": "user", "content": "d"],
            ],
        ])
        #expect(read.messages.map(\.role) == [.system, .user, .assistant, .user])
        #expect(read.messages[1].parts == [.text(ConversationSummary.message("Ada asked."))])
        #expect(read.messages[2].parts == [.text("c")])
        let failed: JSONValue = ["role": "assistant", "content": [["type": "compaction", "content": .null]]]
        #expect(try request(["messages": [Self.asked, failed, Self.asked]]).messages.count == 1)
    }

    @Test func thinkingIsAnArgumentOfTheTemplateAndABudget() throws {
        let none = try request()
        #expect(none.templateArguments["enable_thinking"] == false && none.reasoningBudget == nil)
        let some = try request(["thinking": ["type": "enabled", "budget_tokens": 99]])
        #expect(some.templateArguments["enable_thinking"] == true && some.reasoningBudget == 99)
        let adaptive = try request(["thinking": ["type": "adaptive"], "output_config": ["effort": "max"]])
        #expect(
            adaptive.templateArguments == ["enable_thinking": true, "reasoning_effort": "high"]
                && adaptive.reasoningBudget == nil)
        let own = try request(["chat_template_kwargs": ["enable_thinking": true]])
        #expect(own.templateArguments["enable_thinking"] == true)
    }

    @Test func toolChoicesSayWhatIsOffered() throws {
        func tools(_ choice: JSONObject) throws -> ConversationTools {
            try request(["tools": [Self.tool], "tool_choice": .object(choice)]).tools
        }
        #expect(try tools(["type": "auto"]).choice == .auto)
        #expect(try tools(["type": "none"]).isActive == false)
        let any = try tools(["type": "any", "disable_parallel_tool_use": true])
        #expect(any.choice == .required && !any.allowsSeveral)
        #expect(try tools(["type": "tool", "name": "f"]).offered.map(\.name) == ["f"])
        let many = JSONValue.array(
            (0..<300).map { ["name": .string("tool_\($0)"), "input_schema": ["type": "object"]] })
        #expect(try request(["tools": many]).tools.offered.count == 300)
    }

    @Test func fieldsOfEveryCompletionAreRead() throws {
        let options = try request([
            "temperature": 0.5, "top_k": 3, "stop_sequences": ["a", "b"], "stream": true, "min_p": 0.25,
            "model": "claude-x", "metadata": ["user_id": "u"],
        ]).options
        #expect(options.parameters.maximumTokens == 100)
        #expect(options.parameters.stops == ["a", "b"])
        #expect(options.sampling.temperature == 0.5 && options.sampling.topK == 3 && options.sampling.minP == 0.25)
        #expect(options.streams && options.model == "claude-x")
        #expect(
            try MessagesRequest.read(
                ["messages": [Self.asked]], defaults: CompletionDefaults(), randomSeed: 0, requiresLimit: false
            ).options.parameters.maximumTokens == nil)
    }

    @Test func marksPinTheirMessages() throws {
        let mark: JSONValue = ["type": "ephemeral"]
        let marked = try request([
            "system": [["type": "text", "text": "A", "cache_control": mark]],
            "messages": [
                ["role": "user", "content": [["type": "text", "text": "B"]]], ["role": "assistant", "content": "C"],
                ["role": "user", "content": [["type": "text", "text": "D", "cache_control": mark]]],
            ],
        ])
        #expect(marked.pinnedMessages == [0, 3])
        #expect(marked.options.parameters.cache.retention == .pinned)
        #expect(try request(["cache_control": mark]).pinnedMessages == [0])
    }

    @Test func aFormatBecomesAGrammar() throws {
        let format: JSONValue = ["type": "json_schema", "schema": ["type": "object"]]
        #expect(try request(["output_config": ["format": format]]).options.schemaGrammar != nil)
        #expect(try request(["output_format": format]).options.schemaGrammar != nil)
    }

    static let bad: [(fields: JSONObject, field: String)] = [
        (["messages": []], "messages"), (["messages": "Hi"], "messages"), (["messages": [1]], "messages[0]"),
        (["messages": [["role": "tool", "content": "x"]]], "messages[0].role"),
        (["messages": [["role": "assistant", "content": "x"]]], "messages[0].role"),
        (["messages": [["role": "user"]]], "messages[0].content"),
        (["messages": [["role": "user", "content": []]]], "messages[0].content"),
        (["messages": [["role": "user", "content": [1]]]], "messages[0].content[0]"),
        (["messages": [["role": "user", "content": [["type": "text"]]]]], "messages[0].content[0].text"),
        (["messages": [["role": "user", "content": [["type": "poem"]]]]], "messages[0].content[0].type"),
        (
            [
                "messages": [
                    [
                        "role": "user",
                        "content": [["type": "image", "source": ["type": "base64", "data": "%%", "media_type": "x"]]],
                    ]
                ]
            ], "messages[0].content[0].type"
        ),
        (
            [
                "messages": [
                    asked, ["role": "assistant", "content": [call]],
                    [
                        "role": "user",
                        "content": [
                            [
                                "type": "tool_result", "tool_use_id": "t1",
                                "content": [["type": "image", "source": [:]]],
                            ]
                        ],
                    ],
                ]
            ], "messages[2].content[0].content[0].type"
        ),
        (
            ["messages": [["role": "user", "content": [["type": "tool_result", "tool_use_id": "t9"]]]]],
            "messages[0].content[0].tool_use_id"
        ),
        (
            ["messages": [asked, ["role": "assistant", "content": [call, call]]]], "messages[1].content[1].id"
        ),
        (
            [
                "messages": [
                    asked, ["role": "assistant", "content": [call]],
                    [
                        "role": "user",
                        "content": [
                            ["type": "tool_result", "tool_use_id": "t1"], ["type": "tool_result", "tool_use_id": "t1"],
                        ],
                    ],
                ]
            ], "messages[2].content[1].tool_use_id"
        ),
        (
            [
                "messages": [
                    asked,
                    ["role": "assistant", "content": [["type": "tool_use", "id": "t", "name": "f", "input": "x"]]],
                ]
            ], "messages[1].content[0].input"
        ),
        (
            ["messages": [asked, ["role": "assistant", "content": [["type": "thinking"]]]]],
            "messages[1].content[0].thinking"
        ),
        (["system": 5], "system"), (["system": [["type": "image"]]], "system[0].type"),
        (["max_tokens": -1], "max_tokens"), (["max_tokens": "x"], "max_tokens"),
        (["thinking": ["type": "enabled"]], "thinking.budget_tokens"),
        (["thinking": ["type": "enabled", "budget_tokens": 100]], "thinking.budget_tokens"),
        (["thinking": ["type": "enabled", "budget_tokens": 0]], "thinking.budget_tokens"),
        (["thinking": ["type": "maybe"]], "thinking.type"), (["thinking": true], "thinking"),
        (["stop_sequences": "x"], "stop_sequences"), (["stop_sequences": [""]], "stop_sequences[0]"),
        (["stop_sequences": [1]], "stop_sequences[0]"), (["temperature": "x"], "temperature"),
        (["tools": ["x"]], "tools[0]"), (["tools": [["name": "f"]]], "tools[0].input_schema"),
        (["tools": [["name": "a b", "input_schema": [:]]]], "tools[0].name"),
        (["tools": [tool, tool]], "tools[1].name"),
        (["tools": [["type": "web_search_20250305", "name": "web_search"]]], "tools[0].type"),
        (["tools": [["name": "f", "input_schema": 1]]], "tools[0].input_schema"),
        (["tool_choice": ["type": "any"]], "tool_choice"), (["tool_choice": "auto"], "tool_choice"),
        (["tools": [tool], "tool_choice": ["type": "tool", "name": "g"]], "tool_choice.name"),
        (["tools": [tool], "tool_choice": ["type": "some"]], "tool_choice.type"),
        (["metadata": 1], "metadata"), (["mcp_servers": [["url": "x"]]], "mcp_servers"),
        (["container": "c"], "container"), (["compaction": ["type": "summarize"]], "compaction"),
        (
            ["messages": [asked, ["role": "assistant", "content": [["type": "compaction", "content": ""]]]]],
            "messages[1].content[0].content"
        ),
        (["cache_control": ["type": "forever"]], "cache_control.type"),
        (["output_config": ["format": ["type": "xml"]]], "output_config.format.type"),
        (["output_config": ["format": ["type": "json_schema"]]], "output_config.format.schema"),
        (
            ["output_config": ["format": ["type": "json_schema", "schema": 5]]],
            "output_config.format.schema"
        ),
    ]

    @Test(arguments: bad.indices) func aWrongFieldIsNamed(index: Int) {
        let error = #expect(throws: APIError.self) { try request(Self.bad[index].fields) }
        #expect(error?.field == Self.bad[index].field, "\(error?.message ?? "")")
        #expect(error?.message.contains(Self.bad[index].field) == true)
    }

    @Test func aLimitIsRequired() {
        let error = #expect(throws: APIError.self) { try request(without: "max_tokens") }
        #expect(error?.field == "max_tokens")
    }

    @Test func fiveMarksAreTooMany() {
        let block: JSONValue = ["type": "text", "text": "a", "cache_control": ["type": "ephemeral"]]
        let error = #expect(throws: APIError.self) {
            try request(["system": .array(Array(repeating: block, count: 5))])
        }
        #expect(error?.field == "cache_control")
    }
}
