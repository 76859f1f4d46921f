import MartletGrammar
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// Call formats that `ChatFormat.all` does not contain, derived from renderings of calls with known names and values.
@Suite struct ChatFormatAnalysisTests {
    typealias Call = (name: String, arguments: JSONValue)

    /// A way in which some model might write calls.
    struct Style: Sendable {
        var name: String
        /// The text around a turn's calls, and between two calls.
        var section = ("", "")
        var separator = "\n"
        /// One call; the number counts from 1.
        var call: @Sendable (Call, Int) -> String
        var front = ""
        /// Whether the grammar writes calls in exactly this way. Otherwise only the parser accepts it.
        var isWritten = true

        func turn(_ calls: [Call]) -> String {
            let written = calls.enumerated().map { call($1, $0 + 1) }
            return front + section.0 + written.joined(separator: separator) + section.1 + "<end>"
        }
    }

    private static func tags(_ arguments: JSONValue, _ write: (String, String) -> String) -> String {
        (arguments.objectValue ?? [:]).map { write($0, $1.stringValue ?? $1.text) }.joined(separator: "\n")
    }

    static let readable: [Style] = [
        Style(name: "object") { call, _ in "<act>{\"fn\": \"\(call.name)\", \"with\": \(call.arguments.text)}</act>" },
        Style(
            name: "object, arguments as text",
            call: { call, _ in
                "<act>\n{\"fn\":\"\(call.name)\",\"with\":\(JSONValue.string(call.arguments.text).text)}\n</act>"
            }, isWritten: false),
        Style(
            name: "object, arguments first",
            call: { call, _ in
                "(act){\"with\": \(call.arguments.text), \"fn\": \"\(call.name)\"}(/act)"
            }, isWritten: false),
        Style(name: "object with an identifier", separator: "") { call, number in
            "<|do|>{\"id\": \"call0000\(number)\", \"fn\": \"\(call.name)\", \"with\": \(call.arguments.text)}<|did|>"
        },
        Style(name: "list of objects", section: ("<todo>[", "]</todo>"), separator: ", ") { call, _ in
            "{\"fn\": \"\(call.name)\", \"with\": \(call.arguments.text)}"
        },
        Style(name: "name as key", section: ("ACTIONS\n", "\nDONE"), separator: "\n") { call, _ in
            "<a>{\"\(call.name)\": \(call.arguments.text)}</a>"
        },
        Style(name: "name, then an object") { call, _ in "<<\(call.name)>> \(call.arguments.text) <</>>" },
        Style(name: "name, then an object, in a section", section: ("<todo>\n", "\n</todo>")) { call, _ in
            "<do \(call.name)>\(call.arguments.text)</do>"
        },
        Style(name: "tags") { call, _ in
            "<use name=\"\(call.name)\">\n" + tags(call.arguments) { "<set key=\"\($0)\">\($1)</set>" } + "\n</use>"
        },
        Style(name: "tags in a section", section: ("<todo>\n", "\n</todo>")) { call, _ in
            "<use \(call.name)>\n" + tags(call.arguments) { "<set \($0)>\($1)</set>" } + "\n</use>"
        },
        Style(
            name: "behind a text that is always there",
            call: { call, _ in
                "<act>{\"fn\": \"\(call.name)\", \"with\": \(call.arguments.text)}</act>"
            }, front: "Calling: "),
    ]

    private static func turn(_ style: Style, _ calls: [Call]) -> ChatFormatRecognition.CallTurn {
        ChatFormatRecognition.CallTurn(turn: .init(opening: "", text: style.turn(calls)), calls: calls)
    }

    private static func probes(_ count: Int) -> [Call] {
        (0..<count).map { index in
            (
                ChatFormatRecognition.names[index],
                [
                    "argkey_one": .string(ChatFormatRecognition.texts[index]),
                    "argkey_two": .integer(ChatFormatRecognition.numbers[index]),
                ]
            )
        }
    }

    private static func format(_ style: Style, several: Bool = true) -> ChatFormat? {
        ChatFormatAnalysis(
            single: turn(style, probes(1)), several: several ? turn(style, probes(2)) : nil, end: "<end>"
        ).format()
    }

    /// The derived format parses other calls too: other names, more and fewer arguments, text in front.
    @Test(arguments: readable) func callFormatIsFound(style: Style) throws {
        let format = try #require(Self.format(style), "\(style.name)")
        #expect(format.calls?.allowsSeveral == true)
        let calls: [Call] = [
            ("get_weather", ["city": "Zür\"ich\\ 日本 {}[]", "days": 3]), ("now", ["zone": "UTC"]),
            ("get_weather", ["city": "x", "days": -1]),
        ]
        let tools = OfferedTools([
            .init(
                name: "get_weather",
                parameters: ["properties": ["city": ["type": "string"], "days": ["type": "integer"]]]),
            .init(name: "now", parameters: ["properties": ["zone": ["type": "string"]]]),
        ])
        for count in 1...3 {
            let meant = Array(calls.prefix(count))
            let text = "Well. " + style.turn(meant).replacing("<end>", with: "")
            for size in [1, 3, text.utf8.count] {
                let read = ReadMessage(text, PreparedChatFormat(format), tools: tools, every: size)
                #expect(read.calls.map(\.name) == meant.map(\.name), "\(style.name): \(text)")
                #expect(read.calls.map(\.value) == meant.map { ChatFormatRecognition.canonical($0.arguments) })
                #expect(read.warnings.isEmpty && read.calls.allSatisfy(\.isComplete))
                #expect(read.content.hasPrefix("Well."))
            }
        }
        // The format makes a grammar as well: it allows the parsed calls, and no tool that was not offered.
        let maker = OutputGrammar(PreparedChatFormat(format), prompt: RenderedPrompt(segments: [], reasoning: .closed))
        for (offered, isAllowed) in [(tools.tools, style.isWritten), ([tools.tools[1]], false)] {
            let grammar = try #require(try maker.grammar(tools: offered, requirement: .anything, allowsSeveral: true))
            let text = style.turn([("get_weather", ["city": "x", "days": 1])]).replacing("<end>", with: "")
            #expect(grammar.grammar.matches(text.utf8) == isAllowed, "\(style.name): \(text)")
        }
    }

    @Test func literalsAreSeparated() throws {
        func calls(_ name: String) throws -> ToolCallFormat {
            let style = try #require(Self.readable.first { $0.name == name })
            return try #require(Self.format(style)?.calls)
        }
        let object = try calls("object")
        #expect(object.shape == .object(name: "fn", arguments: "with"))
        #expect(object.callOpening == "<act>" && object.callClosing == "</act>" && object.separator == "\n")
        #expect(object.opening.isEmpty && object.closing.isEmpty && !object.isList)
        let identified = try calls("object with an identifier")
        #expect(
            identified.shape == .object(name: "fn", arguments: "with", id: ToolCallIDField(key: "id", isFirst: true)))
        let list = try calls("list of objects")
        #expect(list.opening == "<todo>" && list.closing == "</todo>" && list.isList && list.separator == ", ")
        #expect(try calls("name as key").shape == .nameAsKey)
        #expect(try calls("name as key").opening == "ACTIONS\n")
        let headed = try calls("name, then an object, in a section")
        #expect(headed.shape == .headed(ToolCallHead(end: ">"), .object))
        #expect(headed.opening == "<todo>\n" && headed.callOpening == "<do " && headed.callClosing == "</do>")
        let tagged = try calls("tags in a section")
        let arguments = TaggedArguments(opening: "<set ", middle: .text(">"), closing: "</set>", separator: "\n")
        #expect(tagged.shape == .headed(ToolCallHead(end: ">\n"), .tagged(arguments)))
    }

    /// Without a turn with two calls the format has no section: all text around the call is the call's own.
    @Test func oneCallSufficesForAFormat() throws {
        for style in Self.readable {
            let format = try #require(Self.format(style, several: false), "\(style.name)")
            #expect(format.calls?.allowsSeveral == false)
            #expect(ChatFormatRecognition.reads(format, Self.turn(style, Self.probes(1))), "\(style.name)")
        }
    }

    static let unreadable: [Style] = [
        // The call begins with text only, so nothing distinguishes it from other text.
        Style(name: "bare object") { call, _ in "{\"fn\": \"\(call.name)\", \"with\": \(call.arguments.text)}" },
        Style(name: "name alone") { call, _ in "<act>\(call.name)</act>" },
        Style(name: "arguments alone") { call, _ in "<act>\(call.arguments.text)</act>" },
        Style(name: "values alone") { call, _ in
            "<act>\(call.name) " + tags(call.arguments) { _, value in "<v>\(value)</v>" } + "</act>"
        },
        Style(name: "prose") { call, _ in "I would call \(call.name) now, if I may." },
        Style(name: "name and value in capitals") { call, _ in
            "<act>{\"fn\": \"\(call.name.uppercased())\", \"with\": \(call.arguments.text.uppercased())}</act>"
        },
        Style(name: "nothing") { _, _ in "" },
    ]

    @Test(arguments: unreadable) func unreadableFormatIsNotFound(style: Style) {
        #expect(Self.format(style) == nil, "\(style.name)")
    }

    @Test func missingTurnHasNoFormat() {
        #expect(ChatFormatAnalysis(single: nil, several: nil, end: "").format() == nil)
        #expect(ChatFormatAnalysis(single: Self.turn(Self.readable[0], []), several: nil, end: "").format() == nil)
    }

    // MARK: Within recognition

    private static func template(_ call: String, _ front: String = "") throws -> ChatTemplate {
        let source = """
            {%- for m in messages -%}<|\\{{ m.role }}|>{{ m.content }}
            {%- if m.tool_calls -%}\(front){%- endif -%}
            {%- for call in m.tool_calls or [] -%}\(call){%- endfor -%}<|stop|>
            {%- endfor -%}
            {%- if add_generation_prompt -%}<|assistant|>{%- endif -%}
            """
        return try ChatTemplate(
            source: source.replacing("\\{{", with: "{{"), beginningToken: "", endToken: "<|stop|>")
    }

    private static let name = "{{ call.function.name }}"
    private static let arguments = "{{ call.function.arguments | tojson }}"

    @Test func unknownTemplateIsAnalysed() throws {
        let template = try Self.template("<op>{\"fn\": \"\(Self.name)\", \"with\": \(Self.arguments)}</op>")
        #expect(template.formatSource == .analysis)
        #expect(template.format.format.calls?.shape == .object(name: "fn", arguments: "with"))
        #expect(template.format.format.calls?.callOpening == "<op>")
        #expect(
            try ChatTemplate(source: TemplateFixtures.reasoning, beginningToken: "", endToken: "").formatSource
                == .analysis)
    }

    @Test func knownFormatComesFirst() throws {
        let call = "<tool_call>\n{\"name\": \"\(Self.name)\", \"arguments\": \(Self.arguments)}\n</tool_call>"
        let template = try Self.template(call)
        #expect(template.formatSource == .behaviour && template.format.format.name == "hermes")
    }

    /// Templates that do not render past calls are recognised by their rendering of tools. One format may have several
    /// phrases.
    @Test(arguments: [
        ("<|tool_list_start|>[", "]<|tool_list_end|>", "<|tool_response_start|>"), ("List of tools: [", "]", ""),
        ("Tools: ", "", "<|tool_response_start|>"), ("Call as <|tool_call_start|>[f()]<|tool_call_end|>: ", "", ""),
    ])
    func renderingsIdentifyTheFormat(front: String, behind: String, response: String) throws {
        let source = """
            {%- if tools -%}<|im_start|>system\n\(front){{ tools | tojson }}\(behind)<|im_end|>{%- endif -%}
            {%- for m in messages -%}<|im_start|>{{ m.role }}
            {%- if m.role == 'tool' -%}\(response){%- endif -%}{{ m.content }}<|im_end|>{%- endfor -%}
            {%- if add_generation_prompt -%}<|im_start|>assistant{%- endif -%}
            """
        let template = try ChatTemplate(
            source: source, beginningToken: "", endToken: "<|im_end|>")
        #expect(template.format.format.name == "lfm" && template.formatSource == .rendering)
    }

    @Test func listOfToolsBetweenTokensIsLFM() throws {
        let template = try ChatTemplate(
            source: TemplateFixtures.toolList, beginningToken: "<|startoftext|>", endToken: "<|im_end|>")
        #expect(template.format.format.name == "lfm" && template.formatSource == .rendering)
        var table = ChatFormatTable()
        table.add("LFM2.jinja", template)
        #expect(table.text.contains("| LFM2.jinja | lfm | rendering | – | `<\\|tool_call_start\\|>[`"))
        let message = ReadMessage(
            "<|tool_call_start|>[probe_alpha(argkey_one='x')]<|tool_call_end|>", template.format,
            tools: ChatFormatRecognition.offered)
        #expect(message.calls.map(\.arguments) == [#"{"argkey_one":"x"}"#] && message.content.isEmpty)
    }

    /// A derived format is used only if the turns parse back with it.
    @Test(arguments: [
        // The second call is written in another way than the first.
        "<op>{% if loop.first %}\(name)={% else %}then \(name)={% endif %}\(arguments)</op>",
        // Names are changed.
        "<op>x-{{ call.function.name | upper }} \(arguments)</op>",
        // An argument is omitted.
        "<op>\(name) {\"argkey_one\": {{ call.function.arguments.argkey_one | tojson }}}</op>",
    ])
    func formatThatDoesNotParseBackIsNotUsed(call: String) throws {
        let template = try Self.template(call)
        #expect(template.formatSource == .none && template.format.format.calls == nil)
    }
}
