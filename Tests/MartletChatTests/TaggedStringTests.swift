import MartletGrammar
import MartletJSON
import MartletSchema
import OrderedCollections
import Testing

@testable import MartletChat

/// Strings that look like another value, in every format with tagged arguments. If the tool's schema says string, the
/// template writes a string, the grammar allows it, and the parser returns it.
@Suite("Strings between tags", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct TaggedStringTests {
    private static let text: JSONValue = ["type": "string"]
    private static let parameters: JSONValue = [
        "type": "object",
        "properties": [
            "text": text,
            "inner": [
                "type": "object",
                "properties": [
                    "text": text, "list": ["type": "array", "items": text], "other": ["$ref": "#/$defs/other"],
                    "maybe": ["anyOf": [["$ref": "#/$defs/other"], ["type": "null"]]],
                    "count": ["type": "integer"],
                ],
            ],
        ],
        "$defs": ["other": ["type": "object", "properties": ["text": text]]],
    ]
    private static let tools: [JSONValue] = [
        [
            "type": "function",
            "function": ["name": "note", "description": "Notes it.", "parameters": parameters],
        ]
    ]
    private static let offered = OfferedTools([OfferedTools.Tool(name: "note", parameters: parameters)])

    private static func arguments(_ text: String) -> JSONValue {
        let text = JSONValue.string(text)
        return [
            "text": text,
            "inner": [
                "text": text, "list": [text, text], "other": ["text": text], "maybe": ["text": text], "count": 12,
            ],
        ]
    }

    private static func tags(of format: ChatFormat) -> TaggedArguments? {
        guard case .headed(_, .tagged(let tags))? = format.calls?.shape else { return nil }
        return tags
    }

    @Test func stringThatLooksLikeAnotherValueStaysAString() throws {
        var chatFormats: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            guard let tags = Self.tags(of: template.format.format) else { continue }
            let end = tags.nestedPrefix ?? String(decoding: ChatFormatPlan.core(tags.closing), as: UTF8.self)
            for text in Self.texts(before: end) {
                let call: JSONValue = [
                    "id": "call00001", "type": "function",
                    "function": ["name": "note", "arguments": Self.arguments(text)],
                ]
                let message: JSONValue = ["role": "assistant", "content": "", "tool_calls": [call]]
                guard var turn = SampleTurns.turn(of: message, template, name, tools: Self.tools) else { continue }
                let label = Comment(rawValue: "\(name), \(text.debugDescription): \(turn.text.debugDescription)")
                let read = ReadMessage(turn.text, template.format, tools: Self.offered, after: turn.opening)
                #expect(read.calls.map(\.value) == [ChatFormatRecognition.canonical(Self.arguments(text))], label)
                #expect(read.warnings.isEmpty && read.calls.first?.isComplete == true, label)
                chatFormats.insert(template.format.format.name)
                // This template writes objects as Python does. Its grammar demands JSON, which its parser accepts as
                // well.
                if name == "openbmb-MiniCPM5-1B" { continue }
                OutputGrammarTests.moveCut(&turn, template.format.format.reasoning)
                let maker = OutputGrammar(
                    template.format,
                    prompt: RenderedPrompt(segments: [], reasoning: .undecided, opening: turn.opening))
                let grammar = try #require(
                    try maker.grammar(tools: Self.offered.tools, requirement: .calls, allowsSeveral: true)?.grammar,
                    label)
                let isAllowed = grammar.matches(turn.text.utf8)
                #expect(isAllowed, label)
            }
        }
        #expect(
            chatFormats == [
                "deepseek-v3.2", "deepseek-v4", "glm", "hunyuan", "kimi-k3", "minicpm", "minimax-m2", "minimax-m3",
                "muse",
                "qwen-coder",
            ])
    }

    /// The one format with tags whose template is not in the folder.
    @Test func seedParsesSuchStringsAlike() throws {
        let format = PreparedChatFormat(.seed)
        let maker = OutputGrammar(format, prompt: RenderedPrompt(segments: [], reasoning: .closed))
        let tool = OfferedTools.Tool(name: "note", parameters: ["type": "object", "properties": ["text": Self.text]])
        let grammar = try #require(try maker.grammar(tools: [tool], requirement: .calls, allowsSeveral: true)?.grammar)
        for text in Self.texts(before: "</parameter>") {
            let call =
                "<seed:tool_call>\n<function=note>\n<parameter=text>\(text)</parameter>\n</function>\n</seed:tool_call>"
            let read = ReadMessage(call, format, tools: OfferedTools([tool]))
            #expect(read.calls.map(\.value) == [["text": .string(text)]] && read.warnings.isEmpty, "\(text)")
            #expect(read.calls.first?.isComplete == true, "\(text)")
            let isAllowed = grammar.matches(call.utf8)
            #expect(isAllowed, "\(text)")
        }
    }

    private static func texts(before end: String) -> [String] {
        let part = end.dropLast()
        return [
            "12", "-0.5", "true", "False", "null", "None", "{\"a\": 1}", "[1]", "\"quoted\"", "'x'", "", "two\nlines",
            "a \(part)", "\(part)\(part)b",
        ]
    }
}
