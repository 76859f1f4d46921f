import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

@testable import MartletAPI

/// Summaries of conversations: the items that ask for one, the items that have one, and the response.
struct CompactionTests {
    private static let trigger: JSONValue = ["type": "compaction_trigger"]
    private static let user: JSONValue = ["role": "user", "content": "One"]
    private static let answer: JSONValue = ["role": "assistant", "content": "Two"]

    private static func item(_ summary: String, type: String = "compaction") -> JSONValue {
        [
            "type": .string(type), "id": "cmp_1",
            "encrypted_content": .string(SealedText.summary.seal(Array(summary.utf8))),
        ]
    }

    private func read(_ body: JSONObject, history: [JSONValue] = []) throws -> ChatCompletionRequest {
        try ResponsesRequest.read(.object(body), history: history, defaults: CompletionDefaults(), randomSeed: 0)
    }

    @Test func theLastItemAsksForASummaryWithoutCalls() throws {
        let tool: JSONValue = ["type": "function", "name": "f", "parameters": ["type": "object"]]
        let body: JSONObject = [
            "input": [Self.user, Self.answer, Self.trigger], "tools": [tool], "tool_choice": "required",
            "text": ["format": ["type": "json_object"]],
        ]
        let request = try read(body)
        #expect(request.messages.map(\.role) == [.user, .assistant, .user])
        #expect(request.messages.last?.parts == [.text(Compaction.question)])
        // The prompt begins as the prompts before, which the KV cache has.
        #expect(!request.tools.isActive && request.tools.offered.isEmpty && request.tools.shown?.count == 1)
        #expect(request.options.textField == nil)
        #expect(request.options.parameters.maximumTokens == 4_096)
        var limited = body
        limited["max_output_tokens"] = 9
        #expect(try read(limited).options.parameters.maximumTokens == 9)
        // Only the last item is a wish.
        #expect(throws: APIError.self) { try read(["input": [Self.user, Self.trigger, Self.answer]]) }
    }

    @Test(arguments: ["compaction", "compaction_summary", "context_compaction"])
    func aSummaryIsAMessageOfTheUser(type: String) throws {
        let request = try read(["input": [Self.user, Self.item("Ada asked.", type: type), Self.answer]])
        #expect(request.messages.map(\.role) == [.user, .user, .assistant])
        #expect(request.messages[1].parts == [.text(ConversationSummary.message("Ada asked."))])
        // A summary that another server encrypted, and items of its tools, are left out with a warning.
        let foreign: JSONValue = ["type": .string(type), "encrypted_content": "gAAAA"]
        let others: [JSONValue] = [
            ["type": "web_search_call", "id": "ws_1"], ["type": "web_search_call", "id": "ws_2"],
        ]
        let mixed = try read(["input": .array([Self.user, foreign] + others)])
        #expect(mixed.messages.count == 1 && mixed.options.warnings.count == 2)
        #expect(mixed.options.warnings[0].contains("1 item of type \"\(type)\" was left out"))
        #expect(mixed.options.warnings[1].contains("2 items of type \"web_search_call\" were left out"))
        for item: JSONValue in [["type": .string(type)], ["type": .string(type), "encrypted_content": 5]] {
            #expect(throws: APIError.self) { try read(["input": [Self.user, item]]) }
        }
    }

    @Test func aSummaryReplacesWhatIsBeforeItExceptMessagesOfTheUser() throws {
        let call: JSONValue = ["type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"]
        let output: JSONValue = ["type": "function_call_output", "call_id": "1", "output": "x"]
        let history = [
            Self.user, Self.answer, call, output, Self.trigger, Self.item("old"), Self.user, Self.trigger,
            Self.item("new"), Self.answer,
        ]
        #expect(Compaction.window(history) == [Self.user, Self.user, Self.item("new"), Self.answer])
        #expect(Compaction.window([Self.user, Self.answer]) == [Self.user, Self.answer])
        let request = try read(["input": "Next"], history: history)
        #expect(request.messages.map(\.role) == [.user, .user, .user, .assistant, .user])
    }

    /// The text of a summary reaches the client in one item; streaming and waiting clients have the same one.
    @Test func theOutputIsOneItem() throws {
        var head = ViewTests.head
        head.id = "resp_0123456789abcdef0123456789abcdef"
        let body: JSONValue = ["input": [Self.user, Self.trigger]]
        let view = ResponsesView(head: head, options: try .of([:]), body: body)
        let log = MessagesViewTests.whole(
            Array(MessagesViewTests.output[..<6]), MessagesViewTests.end(.endOfGeneration))
        let parts = try view.parts(of: log).filter { !$0.hasPrefix(":") }
        let events = try parts.map { part in
            try JSONParser.parse(Array(part.split(separator: "\n")[1].utf8.dropFirst("data: ".utf8.count)))
        }
        #expect(events.map { $0["sequence_number"] } == events.indices.map { .integer(Int64($0)) })
        let names = events.compactMap { $0["type"]?.stringValue }
        #expect(!names.contains { $0.hasPrefix("response.output_text") })
        #expect(
            names.suffix(4) == [
                "response.output_item.added", "response.compaction.compacting", "response.output_item.done",
                "response.completed",
            ])
        let item = try #require(events[events.count - 2]["item"])
        #expect(item["type"] == "compaction" && item["id"]?.stringValue?.hasPrefix("cmp_") == true)
        let text = try #require(item["encrypted_content"]?.stringValue.flatMap(SealedText.summary.open))
        #expect(!text.isEmpty)
        let whole = try JSONParser.parse(view.response(for: log))
        #expect(whole["output"]?.arrayValue?.last == item)
        #expect(events.last?["response"] == whole)
        #expect(
            try read(["input": [item, Self.user]]).messages.first?.parts == [.text(ConversationSummary.message(text))])
    }

    @Test func theRouteKeepsMessagesOfTheUserAndAddsTheSummary() throws {
        let request = try Compaction.request(["input": "Hi", "model": "m"])
        #expect(request["store"] == false && Compaction.isRequested(request) && request["reasoning"] != nil)
        let response: JSONValue = [
            "id": "resp_ab", "created_at": 5, "output": [["type": "reasoning"], Self.item("Short.")],
            "usage": ["input_tokens": 3],
        ]
        let object = Compaction.object(
            response, of: [Self.user, Self.answer, ["type": "message", "role": "user", "content": [["a": "b"]]]])
        #expect(object["object"] == "response.compaction" && object["usage"] == ["input_tokens": 3])
        let output = object["output"]?.arrayValue ?? []
        #expect(output.map { $0["type"]?.stringValue } == ["message", "message", "compaction"])
        #expect(output[0]["content"] == [["type": "input_text", "text": "One"]] && output[0]["id"] != output[1]["id"])
        #expect(output[2]["id"] == "cmp_1")
        #expect(output[2]["encrypted_content"] == Self.item("Short.")["encrypted_content"])
        for body: JSONValue in [
            [:], ["input": []], ["input": 5], ["input": "a", "stream": true], ["input": "a", "background": true],
            ["input": "a", "conversation": "conv_1"], ["input": "a", "stream": 5], [],
        ] {
            #expect(throws: APIError.self) { try Compaction.request(body) }
        }
    }
}
