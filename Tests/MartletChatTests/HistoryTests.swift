import MartletJSON
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

/// Histories as clients send them, rendered by every model's template.
@Suite("Histories", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct HistoryTests {
    private static let user: JSONValue = ["role": "user", "content": "Hi"]

    private static func call(_ arguments: JSONValue) -> JSONValue {
        ["id": "call00001", "type": "function", "function": ["name": "probe_alpha", "arguments": arguments]]
    }

    /// Messages of an assistant after validation: without `null`, and with content.
    static let assistantMessages: [(name: String, message: JSONValue)] = [
        ("empty", ["role": "assistant", "content": ""]),
        ("thought", ["role": "assistant", "content": "", "reasoning_content": "I thought."]),
        ("thought and text", ["role": "assistant", "content": "Hello", "reasoning_content": "I thought."]),
        (
            "parts",
            ["role": "assistant", "content": [["type": "text", "text": "Hello"]], "reasoning_content": "I thought."]
        ),
        ("call", ["role": "assistant", "content": "", "tool_calls": [call("{}")]]),
        (
            "thought and call",
            ["role": "assistant", "content": "", "reasoning_content": "I thought.", "tool_calls": [call("{}")]]
        ),
        ("cut call", ["role": "assistant", "content": "", "tool_calls": [call("{\"city\": \"Os")]]),
    ]

    @Test(arguments: assistantMessages.indices) func everyTemplateAcceptsEveryOutputOfItsModel(index: Int) throws {
        let (name, message) = Self.assistantMessages[index]
        for model in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(model), beginningToken: "<BOS>", endToken: "<EOS>")
            let calls = message["tool_calls"] != nil
            // Some templates demand more than any of these conversations has.
            let ordinary: [JSONValue] = [Self.user, ["role": "assistant", "content": "Hello"], Self.user]
            if (try? template.render(messages: ordinary)) == nil { continue }
            if calls, !template.capabilities.supportsToolCalls { continue }
            let toolResult: JSONValue = [
                "role": "tool", "tool_call_id": "call00001", "name": "probe_alpha", "content": "42",
            ]
            #expect(throws: Never.self, "\(model), \(name)") {
                try template.render(
                    messages: [Self.user, message, calls ? toolResult : Self.user],
                    tools: calls ? ChatFormatRecognition.tools : nil)
            }
        }
    }

    @Test func reasoningIsAContentPartWhereTheTemplateRequiresIt() throws {
        let template = try ChatTemplate(
            source: TemplateFolder.source("mistralai-Ministral-3-14B-Reasoning-2512"), beginningToken: "<BOS>",
            endToken: "<EOS>")
        #expect(template.capabilities.acceptsReasoningParts)
        func shown(_ index: Int) throws -> String {
            try template.render(messages: [Self.user, Self.assistantMessages[index].message, Self.user]).text
        }
        #expect(try shown(1).contains("[THINK]I thought.[/THINK]<EOS>"))
        #expect(try shown(2).contains("[THINK]I thought.[/THINK]Hello<EOS>"))
        #expect(try shown(3).contains("[THINK]I thought.[/THINK]Hello<EOS>"))
        #expect(try shown(0).contains("[/INST]<EOS>"))
    }

    /// The rendering of a reply without reasoning, for templates that render an empty pair of delimiters.
    @Test(
        arguments: [
            ("Qwen-Qwen3-0.6B", "<think>\n\n</think>\n\nHel"), ("mistralai-Ministral-3-14B-Reasoning-2512", "Hel"),
        ])
    func outputContinuesAfterAnEmptyReasoningBlock(model: String, end: String) throws {
        let template = try ChatTemplate(
            source: TemplateFolder.source(model), beginningToken: "<BOS>", endToken: "<EOS>")
        let messages: [JSONValue] = [Self.user, ["role": "assistant", "content": "Hel"]]
        for arguments: JSONObject in [[:], ["enable_thinking": false]] {
            let prompt = try template.render(messages: messages, continuing: .any, arguments: arguments)
            #expect(prompt.text.hasSuffix(end))
            #expect(prompt.text.ranges(of: "</think>").count == end.ranges(of: "</think>").count)
            var parser = OutputParser(template.format, after: prompt.opening, continuing: prompt.continuation)
            var read: [OutputPiece] = []
            parser.append(Array("lo".utf8)[...]) { read.append($0) }
            parser.finish { read.append($0) }
            #expect(read == [.text(.content, Array("lo".utf8)[...])])
        }
    }

    @Test func aMessageContinuesInTheRequestedPart() throws {
        let template = try ChatTemplate(
            source: TemplateFolder.source("mistralai-Ministral-3-14B-Reasoning-2512"), beginningToken: "<BOS>",
            endToken: "<EOS>")
        func end(_ message: JSONObject, _ part: ChatTemplate.Continuation) throws -> String {
            let message = JSONValue.object(message.merging(["role": "assistant"]) { $1 })
            let text = try template.render(messages: [Self.user, message], continuing: part).text
            return try #require(
                text.split(separator: "[/INST]", omittingEmptySubsequences: false).last.map(String.init))
        }
        let both: JSONObject = ["content": "Hel", "reasoning_content": "Hm"]
        #expect(try end(both, .any) == "[THINK]Hm[/THINK]Hel")
        #expect(try end(both, .content) == "[THINK]Hm[/THINK]Hel")
        #expect(try end(both, .reasoning) == "[THINK]Hm")
        #expect(try end(["content": "", "reasoning_content": "Hm"], .any) == "[THINK]Hm")
        #expect(try end(["content": "", "reasoning_content": "Hm"], .content) == "[THINK]Hm[/THINK]")
        #expect(try end(["content": "Hel"], .any) == "Hel")
        #expect(try end(["content": ""], .reasoning) == "[THINK]")
    }
}

struct PartialArgumentsTests {
    @Test(
        arguments: [
            (#"{"city": "Os"#, ["city": "Os"]), (#"{"city": "Oslo", "da"#, ["city": "Oslo"]),
            (#"{"city": "Oslo", "days": 1"#, ["city": "Oslo"]), (#"{"city": "Oslo""#, ["city": "Oslo"]),
            (#"{"city": "Oslo\"#, ["city": "Oslo"]), (#"{"city": "Oslo\u00e"#, ["city": "Oslo"]),
            (#"{"city": "Oslo\n"#, ["city": "Oslo\n"]), ("{", [:]),
            (#"{"a": {"b": [1, 2, {"c": "x"#, ["a": ["b": [1, 2, ["c": "x"]]]]),
            (#"{"a": [[], [1"#, ["a": [[], []]]), (#"{"a": true, "b": fal"#, ["a": true]), (#"{"a":"#, [:]),
            (#"{"a": "x}", "b": "]{"#, ["a": "x}", "b": "]{"]),
        ] as [(String, JSONValue)])
    func certainMembersAreRetained(text: String, value: JSONValue) {
        #expect(PartialArguments.object(beginning: text) == value)
    }

    @Test(arguments: [
        "", "[", "\"a", "{]", "{\"a\": 1}}", "nothing", "{'a': 1", "[{\"a\": 1}", "{\"a\" 1, ", "{}{}", "{\"a\":1}x",
        "{} true", "{},", "{}e", "{}\"",
    ])
    func textThatBeginsNoObjectIsRefused(text: String) {
        #expect(PartialArguments.object(beginning: text) == nil)
    }

    /// Whatever the position of a cut, the parsed object is a part of the whole.
    @Test func everyBeginningOfAnObjectIsParsed() throws {
        let text = #"{"a": "x\"y\\é\u00e9", "b": [1, -2.5e3, {"c": null, "d": []}], "e": {}, "f": ""}"#
        let bytes = Array(text.utf8)
        let whole = try #require(try JSONParser.parse(bytes).objectValue)
        for end in 1...bytes.count {
            guard let beginning = String(validating: bytes[..<end], as: UTF8.self) else { continue }
            let read = PartialArguments.object(beginning: beginning)?.objectValue
            #expect(read != nil, "\(beginning)")
            #expect(read?.keys.elementsEqual(whole.keys.prefix(read?.count ?? 0)) == true, "\(beginning)")
        }
        #expect(PartialArguments.object(beginning: text) == .object(whole))
    }
}
