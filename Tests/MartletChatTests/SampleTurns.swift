import MartletJSON
import MartletJinja
import OrderedCollections

@testable import MartletChat

/// Texts that end a turn as control tokens, so they are not part of an output.
enum TurnEnds {
    private static let all = [
        "<|im_end|>", "<|eot_id|>", "<EOS>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|end_of_text|>", "[e~[",
        "<SPECIAL_12>", "<turn|>", "<|role_end|>", "</assistant>", "<sep>", "<end_of_turn>", "<|return|>", "<|call|>",
        "<|calls|>", "<|eot|>", "<｜hy_eos:opensource｜>", "<|assistant_end|>", "<|tool_response>", "<|end_of_msg|>",
    ]
    /// Texts that end turns of one model only.
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

/// Assistants' messages, and their renderings.
enum SampleTurns {
    static let tools: [JSONValue] = [
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

    static let offered = OfferedTools(
        tools.map { tool in
            OfferedTools.Tool(
                name: tool["function"]?["name"]?.stringValue ?? "", parameters: tool["function"]?["parameters"] ?? .null
            )
        })

    private static let content = "Ich \"sehe\" 日本 👋🏽 it.\n\nTwo\\n <b>."
    private static let reasoning = "Thought: 1 < 2\n\nand \"so\" 😀 on."

    /// Without strings that a format cannot write: a quote of Python's, backslashes, tags.
    static func calls(for chatFormat: String) -> [(name: String, arguments: JSONValue)] {
        [
            (
                "get_weather",
                [
                    "city": .string(chatFormat == "lfm" ? "Zür\"ich\nä 👋🏽" : "Zür\"ich\n\tä\\ 'x' </p> 👋🏽 {}[],:"),
                    "days": 3,
                ]
            ),
            (
                "add",
                [
                    "a": -2, "nested": ["x": [1, 2.5], "y": ["z": "日本 <b>&"]], "list": [true, false], "flag": false,
                ]
            ),
        ]
    }

    struct Case {
        var content = ""
        var reasoning = ""
        var callCount = 0
    }
    static let cases = [
        Case(content: content), Case(content: content, reasoning: reasoning), Case(callCount: 1), Case(callCount: 2),
        Case(content: "Let me see.", callCount: 1), Case(reasoning: reasoning, callCount: 1),
        Case(reasoning: reasoning, callCount: 2), Case(content: "Let me see.", reasoning: reasoning, callCount: 2),
    ]

    static func message(_ test: Case, _ calls: [(name: String, arguments: JSONValue)]) -> JSONValue {
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

    /// The turn without its end, divided into prompt and output.
    static func turn(
        of message: JSONValue, _ template: ChatTemplate, _ name: String, tools: [JSONValue]? = tools
    ) -> ChatFormatRecognition.Turn? {
        // This template writes its instructions for tools behind the last message, so the text does not end with the
        // message.
        guard name != "CohereForAI-c4ai-command-r-plus-tool_use" else { return nil }
        func render(_ messages: [JSONValue], addsGenerationPrompt: Bool) -> String? {
            try? template.render(messages: messages, tools: tools, addGenerationPrompt: addsGenerationPrompt).text
        }
        let user: JSONValue = ["role": "user", "content": "Hello"]
        guard let withPrompt = render([user], addsGenerationPrompt: true),
            var full = render([user, message], addsGenerationPrompt: false),
            let question = withPrompt.lastRange(of: "Hello")
        else { return nil }
        let known = ProvenanceText.commonPrefix(of: withPrompt, full)
        let begin = withPrompt.utf8.distance(from: withPrompt.startIndex, to: question.upperBound)
        let bytes = Array(full.utf8)
        let opening = String(decoding: bytes[begin..<known], as: UTF8.self)
        full = String(decoding: bytes[known...], as: UTF8.self)
        return ChatFormatRecognition.Turn(opening: opening, text: TurnEnds.cut(full, of: name))
    }
}

extension String {
    /// The position of the last occurrence of `text`.
    fileprivate func lastRange(of text: String) -> Range<Index>? {
        let offsets = ProvenanceText(self, isTrusted: true).occurrences(
            of: ProvenanceText(text, isTrusted: true), limit: .max)
        return offsets.last.map { offset in
            let start = utf8.index(utf8.startIndex, offsetBy: offset)
            return start..<utf8.index(start, offsetBy: text.utf8.count)
        }
    }
}
