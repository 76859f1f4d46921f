import MartletAPI
import MartletChat
import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// Messages as client libraries send them back.
struct MessageHistoryTests {
    private static let call: JSONValue = [
        "id": "call_1", "type": "function", "function": ["name": "f", "arguments": "{\"a\":1}"],
    ]

    private func messages(_ message: JSONValue) throws -> [JSONValue] {
        try ChatCompletionRequest(["messages": [message]], defaults: CompletionDefaults(), randomSeed: 0).messages.map(
            \.templateForm)
    }

    /// The value with the members of its objects in the order of their names.
    private func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(sorted))
        case .object(let members):
            .object(
                JSONObject(
                    uniqueKeysWithValues: members.sorted { $0.key < $1.key }.map { ($0.key, sorted($0.value)) }))
        default: value
        }
    }

    @Test(arguments: ["system", "developer", "user", "assistant", "tool", "function"])
    func nullContentIsTheEmptyText(role: String) throws {
        #expect(
            try messages(["role": .string(role), "content": .null]) == [["role": .string(role), "content": ""]])
    }

    static let taken: [(message: JSONValue, read: JSONValue)] = [
        // The complete dump of a client library.
        (
            [
                "role": "assistant", "content": "Hi", "refusal": .null, "annotations": .null, "audio": .null,
                "function_call": .null, "tool_calls": .null,
            ], ["role": "assistant", "content": "Hi"]
        ),
        (
            ["role": "assistant", "content": .null, "refusal": .null, "tool_calls": []],
            ["role": "assistant", "content": ""]
        ),
        (
            ["role": "assistant", "content": "Hi", "tool_calls": [], "annotations": []],
            ["role": "assistant", "content": "Hi", "annotations": []]
        ),
        (
            ["role": "assistant", "content": .null, "tool_calls": [call]],
            ["role": "assistant", "tool_calls": [call], "content": ""]
        ),
        (["role": "assistant", "tool_calls": [call]], ["role": "assistant", "tool_calls": [call], "content": ""]),
        (
            ["role": "assistant", "content": .null, "reasoning_content": "Hm.", "reasoning": "Hm."],
            ["role": "assistant", "reasoning_content": "Hm.", "content": ""]
        ),
        (
            ["role": "assistant", "reasoning": "Hm.", "reasoning_content": .null],
            ["role": "assistant", "reasoning_content": "Hm.", "content": ""]
        ),
        (
            ["role": "assistant", "content": .null, "refusal": "No."],
            ["role": "assistant", "refusal": "No.", "content": "No."]
        ),
        (
            ["role": "assistant", "content": [["type": "refusal", "refusal": "No."]]],
            ["role": "assistant", "content": [["type": "text", "text": "No."]]]
        ),
        (
            ["role": "tool", "tool_call_id": "call_1", "name": .null, "content": .null],
            ["role": "tool", "tool_call_id": "call_1", "content": ""]
        ),
    ]

    @Test(arguments: taken.indices) func dumpsOfLibrariesAreAccepted(index: Int) throws {
        #expect(try messages(Self.taken[index].message).map(sorted) == [sorted(Self.taken[index].read)])
    }

    @Test(arguments: ["user", "system", "developer", "tool", "function", "assistant"])
    func anEmptyMessageIsRefused(role: String) {
        for members: JSONObject in [[:], ["tool_calls": []], ["reasoning_content": .null]] {
            let error = #expect(throws: APIError.self) {
                try messages(.object(members.merging(["role": .string(role)]) { $1 }))
            }
            #expect(error?.field == "messages[0].content")
            #expect(error?.message.contains(role) == true || error?.message.contains("assistant") == true)
        }
    }

    private func arguments(_ arguments: JSONValue?) throws -> JSONValue? {
        var function: JSONObject = ["name": "f"]
        function["arguments"] = arguments
        let message: JSONValue = ["role": "assistant", "tool_calls": [["function": .object(function), "id": .null]]]
        return try messages(message)[0]["tool_calls"]?.arrayValue?[0]["function"]?["arguments"]
    }

    @Test(
        arguments: [
            (nil, "{}"), (.null, "{}"), ("", "{}"), (" \n", "{}"), ("null", "{}"), (" null ", "{}"), ("{}", "{}"),
            ([:], [:]), (["a": 1], ["a": 1]), (" {\"a\": 1}", " {\"a\": 1}"), ("{\"a\": \"cut of", "{\"a\": \"cut of"),
        ] as [(JSONValue?, JSONValue)])
    func missingArgumentsAreNone(given: JSONValue?, read: JSONValue) throws {
        #expect(try arguments(given) == read)
    }

    @Test(
        arguments: [
            ("[1]", "an array"), ("1", "an integer"), ("\"a\"", "a string"), ("true", "a boolean"), ("nul", "\"nul\""),
            ([1], "an array"), (1, "an integer"), (false, "a boolean"), ("{}{}", "\"{}{}\""),
            ("{\"a\":1}x", "{\\\"a\\\":1}x"), ("{} true", "{} true"), ("{'a': 1}", "{'a': 1}"),
        ] as [(JSONValue, String)])
    func argumentsAreAnObject(given: JSONValue, part: String) {
        let error = #expect(throws: APIError.self) { try arguments(given) }
        #expect(error?.field == "messages[0].tool_calls[0].function.arguments")
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("object") == true)
    }

    /// The message of a response without a stream, and the message that a client assembles from deltas.
    @Test func responsesCanBeSentBack() throws {
        let end = LogEvent.finished(GenerationSummary(reason: .tokenLimit, timings: Timings()))
        func text(_ channel: MartletProtocol.OutputChannel, _ text: String) -> LogEvent {
            .text(channel, token: 1, bytes: Array(text.utf8)[...])
        }
        let outputs: [[LogEvent]] = [
            [], [text(.content, "Hi")], [text(.reasoning, "Hm.")], [text(.reasoning, "Hm."), text(.content, "Hi")],
            [.call(0, name: "f"), .arguments(call: 0, token: 1, bytes: Array("{\"a\":".utf8)[...])],
            [text(.reasoning, "Hm."), .call(0, name: "f")],
        ]
        for events in outputs.map({ [.admitted(promptTokens: 1), .started(cachedTokens: 0)] + $0 + [end] }) {
            let view = ChatCompletionView(head: ViewTests.head, options: try .of([:]))
            let whole = try JSONParser.parse(view.response(for: events))["choices"]?.arrayValue?[0]["message"]
            _ = try messages(try #require(whole))
            var bytes: [UInt8] = []
            for (number, event) in events.enumerated() { view.encode(event, number: number, into: &bytes) }
            var joined: JSONObject = ["content": .null]
            for event in String(decoding: bytes, as: UTF8.self).split(separator: "\n\n") where event != "data: [DONE]" {
                let delta = try JSONParser.parse(Array(event.utf8.dropFirst(6)))["choices"]?.arrayValue?.first?["delta"]
                for (name, value) in delta?.objectValue ?? [:] { joined[name] = self.joined(joined[name], value) }
            }
            _ = try messages(.object(joined))
        }
    }

    /// Assembles deltas as client libraries do: concatenates texts, and collects calls by number.
    private func joined(_ old: JSONValue?, _ new: JSONValue) -> JSONValue {
        switch (old, new) {
        case (.string("assistant")?, _): return new
        case (.string(let begun)?, .string(let more)): return .string(begun + more)
        case (.array(let begun)?, .array(let more)):
            return .array(zip(begun, more).map { self.joined($0, $1) })
        case (.object(let begun)?, .object(let more)):
            return .object(begun.merging(more) { self.joined($0, $1) })
        default: return new
        }
    }
}
