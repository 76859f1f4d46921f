import MartletJSON
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

/// Texts that end a turn as control tokens, so that they are no part of an answer.
enum TurnEnds {
    private static let all = [
        "<|im_end|>", "<|eot_id|>", "<EOS>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|end_of_text|>", "[e~[",
        "<SPECIAL_12>", "<turn|>", "<|role_end|>", "</assistant>", "<sep>", "<end_of_turn>", "<|return|>", "<|call|>",
        "<|calls|>", "<|eot|>", "<｜hy_eos:opensource｜>", "<|assistant_end|>", "<|tool_response>", "<|end_of_msg|>",
    ]
    /// Where a text ends turns in one model only.
    private static let own = [
        "GigaChat3.1-10B-A1.8B": "<|message_sep|>", "microsoft-Phi-3.5-mini-instruct": "<|end|>",
    ]

    static func cut(_ turn: String, of template: String) -> String {
        var turn = turn
        for end in all + [own[template]].compactMap(\.self) {
            if let range = turn.firstRange(of: end) { turn = String(turn[..<range.lowerBound]) }
        }
        return turn
    }
}

/// What a template renders for an assistant's message reads back as that message, however it is cut.
@Suite("Round trips", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct OutputRoundTripTests {
    private static let tools: [JSONValue] = [
        tool(
            "get_weather",
            ["city": ["type": "string", "description": "City"], "days": ["type": "integer", "description": "Days"]]),
        tool(
            "add",
            [
                "a": ["type": "integer", "description": "A"],
                "nested": [
                    "type": "object", "description": "N",
                    "properties": [
                        "x": ["type": "array", "description": "X", "items": ["type": "number"]],
                        "y": [
                            "type": "object", "description": "Y",
                            "properties": ["z": ["type": "string", "description": "Z"]],
                        ],
                    ],
                ],
                "list": ["type": "array", "description": "L", "items": ["type": "boolean"]],
                "flag": ["type": "boolean", "description": "F"],
            ]),
    ]

    private static func tool(_ name: String, _ properties: JSONValue) -> JSONValue {
        [
            "type": "function",
            "function": [
                "name": .string(name), "description": "Does it.",
                "parameters": ["type": "object", "properties": properties, "required": []],
            ],
        ]
    }

    private static let offered = OfferedTools(
        tools.map { tool in
            OfferedTools.Tool(
                name: tool["function"]?["name"]?.stringValue ?? "", parameters: tool["function"]?["parameters"] ?? .null
            )
        })

    private static let content = "Ich \"sehe\" 日本 👋🏽 it.\n\nTwo\\n <b>."
    private static let reasoning = "Thought: 1 < 2\n\nand \"so\" 😀 on."

    /// Strings that some forms have no way to write: a quote of Python's, backslashes, tags.
    private static func calls(plain: Bool) -> [(name: String, arguments: JSONValue)] {
        [
            (
                "get_weather",
                ["city": .string(plain ? "Zür\"ich\nä 👋🏽" : "Zür\"ich\n\tä\\ 'x' </p> 👋🏽 {}[],:"), "days": 3]
            ),
            (
                "add",
                [
                    "a": -2, "nested": ["x": [1, 2.5], "y": ["z": "日本 <b>&"]], "list": [true, false], "flag": false,
                ]
            ),
        ]
    }

    private struct Case {
        var content = ""
        var reasoning = ""
        var callCount = 0
    }
    private static let cases = [
        Case(content: content), Case(content: content, reasoning: reasoning), Case(callCount: 1), Case(callCount: 2),
        Case(content: "Let me see.", callCount: 1), Case(reasoning: reasoning, callCount: 1),
        Case(reasoning: reasoning, callCount: 2), Case(content: "Let me see.", reasoning: reasoning, callCount: 2),
    ]

    private func message(_ test: Case, _ calls: [(name: String, arguments: JSONValue)]) -> JSONValue {
        var members: JSONObject = ["role": "assistant", "content": .string(test.content)]
        if !test.reasoning.isEmpty { members["reasoning_content"] = .string(test.reasoning) }
        if test.callCount > 0 {
            members["tool_calls"] = .array(
                calls.enumerated().map { index, call in
                    [
                        "id": .string("call0000\(index + 1)"), "type": "function",
                        "function": ["name": .string(call.name), "arguments": call.arguments],
                    ]
                })
        }
        return .object(members)
    }

    @Test func everyTemplate() throws {
        var readWithCalls: Set<String> = []
        var readWithSeveral: Set<String> = []
        var readWithReasoning: Set<String> = []
        var known: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            if template.syntax.syntax.calls != nil { known.insert(name) }
            let calls = Self.calls(plain: ["lfm"].contains(template.syntax.syntax.family))
            for test in Self.cases {
                let meant = Array(calls.prefix(test.callCount))
                guard let turn = turn(of: message(test, meant), template, name)
                else { continue }
                let whole = turn.opening + turn.text
                let read = ReadMessage(turn.text, template.syntax, tools: Self.offered, after: turn.opening)
                let label = Comment(rawValue: "\(name), \(test): \(whole.debugDescription)")
                // What the template leaves out cannot be read.
                let showsReasoning = !test.reasoning.isEmpty && whole.contains(test.reasoning)
                let showsContent = !test.content.isEmpty && whole.contains(test.content)
                let shownCalls = meant.filter { whole.contains($0.name) }
                switch name {
                case "openai-gpt-oss-120b" where test.callCount > 0:
                    // It puts text beside calls where thinking stands.
                    #expect(read.reasoning == (test.reasoning.isEmpty ? test.content : test.reasoning), label)
                case "NVIDIA-Nemotron-Nano-v2" where showsContent:
                    // It opens a think block in front of all text, which is to bring its own end.
                    #expect(read.reasoning.withoutSpaceAround == test.content, label)
                case "Apriel-1.6-15b-Thinker-fixed" where showsReasoning:
                    // Of a past turn it leaves out what begins the thinking; a prompt has it.
                    let asked = ReadMessage(
                        turn.text, template.syntax, tools: Self.offered, after: template.generationPrompt)
                    #expect(asked.reasoning.withoutSpaceAround == test.reasoning, label)
                    #expect(asked.content.withoutSpaceAround == test.content, label)
                    #expect(asked.calls == read.calls, label)
                default:
                    #expect(read.reasoning.withoutSpaceAround == (showsReasoning ? test.reasoning : ""), label)
                    #expect(read.content.withoutSpaceAround == (showsContent ? test.content : ""), label)
                }
                #expect(read.calls.map(\.name) == shownCalls.map(\.name), label)
                #expect(read.calls.map(\.value) == shownCalls.map { SyntaxRecognition.canonical($0.arguments) }, label)
                #expect(!read.calls.contains { !$0.isComplete }, label)
                #expect(read.warnings == [], label)
                for size in [1, 2, 3, 5, 7] {
                    let cut = ReadMessage(
                        turn.text, template.syntax, tools: Self.offered, after: turn.opening, every: size)
                    #expect(cut == read, "\(size) bytes at a time: \(name), \(test)")
                }
                if !read.calls.isEmpty { readWithCalls.insert(name) }
                if read.calls.count > 1 { readWithSeveral.insert(name) }
                if !read.reasoning.isEmpty { readWithReasoning.insert(name) }
            }
        }
        // Those that refuse these tools, that show no past calls, and that show only one.
        let unread: Set = [
            "CohereForAI-c4ai-command-r-plus-tool_use", "LFM2.5-Instruct", "fireworks-ai-llama-3-firefunction-v2",
            "google-gemma-2-2b-it", "ibm-granite-granite-3.3-2B-Instruct",
        ]
        #expect(known.count == 50)
        #expect(known.subtracting(readWithCalls) == unread)
        #expect(
            known.subtracting(readWithSeveral).subtracting(unread) == [
                "GigaChat3-10B-A1.8B", "GigaChat3.1-10B-A1.8B", "meta-llama-Llama-3.1-8B-Instruct",
                "meta-llama-Llama-3.2-3B-Instruct", "openai-gpt-oss-120b",
            ])
        #expect(readWithReasoning.count == 22)
    }

    /// The turn without what ends it, cut as a prompt and an answer.
    private func turn(of message: JSONValue, _ template: ChatTemplate, _ name: String) -> SyntaxRecognition.Turn? {
        func render(_ messages: [JSONValue], asks: Bool) -> String? {
            try? template.render(messages: messages, tools: Self.tools, addGenerationPrompt: asks).text
        }
        let user: JSONValue = ["role": "user", "content": "Hello"]
        guard let asking = render([user], asks: true), var full = render([user, message], asks: false),
            let question = asking.lastRange(of: "Hello")
        else { return nil }
        let known = Text.commonPrefix(of: asking, full)
        let begin = asking.utf8.distance(from: asking.startIndex, to: question.upperBound)
        let bytes = Array(full.utf8)
        let opening = String(decoding: bytes[begin..<known], as: UTF8.self)
        full = String(decoding: bytes[known...], as: UTF8.self)
        return SyntaxRecognition.Turn(opening: opening, text: TurnEnds.cut(full, of: name))
    }
}

extension String {
    /// Where `text` occurs last.
    fileprivate func lastRange(of text: String) -> Range<Index>? {
        let offsets = Text(self, isTrusted: true).occurrences(of: Text(text, isTrusted: true), limit: .max)
        return offsets.last.map { offset in
            let start = utf8.index(utf8.startIndex, offsetBy: offset)
            return start..<utf8.index(start, offsetBy: text.utf8.count)
        }
    }
}
