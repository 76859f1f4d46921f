import MartletJSON
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

private let tools = OfferedTools([
    OfferedTools.Tool(
        name: "get_weather",
        parameters: [
            "type": "object",
            "properties": [
                "city": ["type": "string"], "days": ["type": "integer"], "hot": ["type": "boolean"],
                "any": [:], "list": ["type": ["array", "null"]],
            ],
        ]),
    OfferedTools.Tool(name: "now", parameters: .null),
])

private func read(
    _ text: String, _ format: ChatFormat, tools: OfferedTools? = tools, after opening: String = "",
    showsReasoning: Bool = false
) -> ReadMessage {
    let format = PreparedChatFormat(format)
    let whole = ReadMessage(text, format, tools: tools, after: opening, showsReasoning: showsReasoning)
    // The message is the same for all cuts.
    for size in [1, 2, 5] {
        let cut = ReadMessage(
            text, format, tools: tools, after: opening, every: size, showsReasoning: showsReasoning)
        #expect(cut == whole, "\(size) bytes at a time: \(text)")
    }
    return whole
}

@Suite struct OutputParserTests {
    private var reasoning: ChatFormat {
        var format = ChatFormat.hermes
        format.reasoning = ChatFormat.thinkTags
        return format
    }

    @Test func reasoningContentAndCallsAreSeparated() {
        let message = read(
            "<think>\nHm.\n</think>\n\nLet me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": "
                + "{\"city\": \"Oslo\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
            reasoning)
        #expect(message.reasoning == "Hm.")
        #expect(message.content == "Let me see.")
        #expect(message.calls.map(\.name) == ["get_weather", "now"])
        #expect(message.calls.map(\.arguments) == [#"{"city":"Oslo"}"#, "{}"])
        #expect(message.warnings.isEmpty)
    }

    @Test func withoutToolsCallsAreText() {
        let text = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"
        #expect(read(text, reasoning, tools: nil).content == text)
    }

    @Test func reasoningStaysInTheContentOnRequest() {
        let text = "<think>\nHm.\n</think>\n\nYes"
        let message = read(text, reasoning, showsReasoning: true)
        #expect(message.content == text && message.reasoning.isEmpty)
    }

    static let lost: [(text: String, content: String, warning: Bool)] = [
        (
            "<tool_call>\n{\"name\": \"rm\", \"arguments\": {}}\n</tool_call>",
            "\n{\"name\": \"rm\", \"arguments\": {}}\n", true
        ),
        ("a <tool_call> b", "a  b", true),
        ("<tool_call>\n{\"name\": 5}", "\n{\"name\": 5}", true),
        (
            "<tool_call>\n{\"arguments\": {\"name\": \"now\"}}", "\n{\"arguments\": {\"name\": \"now\"}}", true
        ),
        ("<tool_call>\n{\"name\": \"no", "", true),
        ("So: <tool_call>\n{\"arguments\": {\"city\": \"Oslo\"}, \"na", "So: ", true),
        ("<tool_call>", "", true),
        ("<tool_call", "<tool_call", false),
        ("<tool_call>\n[1, 2]</tool_call> and more <tool_call>", "\n[1, 2] and more ", true),
    ]

    @Test(arguments: lost.indices) func failedToolCallIsContentWithoutItsDelimiters(index: Int) {
        let (text, content, warns) = Self.lost[index]
        let message = read(text, .hermes)
        #expect(message.calls.isEmpty)
        #expect(message.content == content)
        #expect(message.all == text)
        #expect(message.warnings.isEmpty != warns)
    }

    @Test func unknownToolIsNamedInTheWarning() {
        let message = read("<tool_call>\n{\"name\": \"rm_rf\"", .hermes)
        #expect(message.warnings == ["The model called a tool that was not offered: rm_rf"])
    }

    @Test func truncatedOutputRetainsTheBeginningOfArguments() {
        let text = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Os"
        let message = read(text, .hermes)
        #expect(message.calls.map(\.arguments) == [#"{"city":"Os"#])
        #expect(message.calls.map(\.isComplete) == [false])
        #expect(message.warnings == ["The output ends within the arguments of call 0"])
    }

    @Test func brokenArgumentsEndTheCallAndTheRestIsContent() {
        let text = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": Oslo}}\n</tool_call>"
        let message = read(text, .hermes)
        #expect(message.calls.map(\.arguments) == [#"{"city":"#])
        #expect(message.content == "Oslo}}\n")
        #expect(message.warnings.count == 1)
    }

    @Test func argumentsMayComeFirstOrAsAString() {
        let first = read("<tool_call>{\"arguments\": {\"days\": 1}, \"name\": \"get_weather\"}</tool_call>", .hermes)
        #expect(first.calls.map(\.arguments) == [#"{"days":1}"#])
        let text = read(
            #"<tool_call>{"name": "get_weather", "arguments": "{\"days\": 1}"}</tool_call>"#, .hermes)
        #expect(text.calls.map(\.arguments) == [#"{"days": 1}"#])
        let none = read(#"<tool_call>{"name": "now"}</tool_call>"#, .hermes)
        #expect(none.calls.map(\.arguments) == ["{}"])
    }

    @Test func taggedValuesFollowTheSchema() {
        let message = read(
            "<tool_call>\n<function=get_weather>\n<parameter=city>\n42\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
                + "<parameter=hot>\nTrue\n</parameter>\n<parameter=list>\nNone\n</parameter>\n<parameter=any>\n"
                + "{'a': [1, 'b']}\n</parameter>\n<parameter=other>\nno <b>JSON\n\n</parameter>\n</function>\n</tool_call>",
            .qwenCoder)
        #expect(
            message.calls.first?.arguments
                == #"{"city":"42","days":3,"hot":true,"list":null,"any":{"a":[1,"b"]},"other":"no <b>JSON\n"}"#)
        #expect(message.content.isEmpty && message.warnings.isEmpty)
    }

    @Test func callWithoutArgumentsHasAnEmptyObject() {
        #expect(read("<tool_call>now</tool_call>", .glm).calls.map(\.arguments) == ["{}"])
        #expect(
            read("<tool_call>\n<function=now>\n</function>\n</tool_call>", .qwenCoder).calls.map(\.arguments) == ["{}"])
        #expect(read("[TOOL_CALLS]now[ARGS]{}", .mistral).calls.map(\.arguments) == ["{}"])
        #expect(
            read("<|tool_call_start|>[now()]<|tool_call_end|>", .lfm).calls.map(\.arguments) == ["{}"])
    }

    @Test func pythonIsWrittenAsJSON() {
        let message = read(
            #"<|tool_call_start|>[get_weather(city='It\'s "x" \x41\u00e4\U0001F600', any={'k': (1, None,), "l": []}, hot=False), now()]<|tool_call_end|> ok"#,
            .lfm)
        #expect(message.calls.map(\.name) == ["get_weather", "now"])
        #expect(
            message.calls.first?.value == [
                "any": ["k": [1, .null], "l": []], "city": "It's \"x\" Aä😀", "hot": false,
            ])
        #expect(message.content == "ok")
    }

    @Test func rawLineEndsInStringsAreEscaped() {
        let message = read("[TOOL_CALLS]get_weather[ARGS]{\"city\": \"a\nb\\qc\"}", .mistral)
        #expect(message.calls.first?.arguments == #"{"city":"a\nb\\qc"}"#)
    }

    @Test func bareToolCallIsDistinguishedFromJSONContent() {
        let call = read(#"{"name": "get_weather", "parameters": {"city": "Oslo"}}"#, .llama)
        #expect(call.calls.map(\.arguments) == [#"{"city":"Oslo"}"#] && call.content.isEmpty)
        for text in [#"{"city": "Oslo"}"#, #"{"name": "Ann", "age": 3}"#, "{", "{}", #"  {"name"#] {
            let message = read(text, .llama)
            #expect(message.calls.isEmpty && message.content == text && message.warnings.isEmpty)
        }
    }

    @Test func harmonyChannelsAreSeparated() {
        let message = read(
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
                + "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
                + "{\"city\": \"Oslo\"}<|call|>", .harmony, after: "<|start|>assistant")
        #expect(message.reasoning == "Hm.")
        #expect(message.content == "I look.")
        #expect(message.calls.map(\.arguments) == [#"{"city":"Oslo"}"#])
        let plain = read(
            "<|channel|>final<|message|>Hello.", .harmony, tools: nil, after: "<|start|>assistant")
        #expect(plain.content == "Hello.")
    }

    @Test func functionaryTextMayContainItsDelimiter() {
        let message = read("all\n>>> print(1)\n1>>>now\n{}", .functionary, after: "\n\n>>>")
        #expect(message.content == ">>> print(1)\n1")
        #expect(message.calls.map(\.name) == ["now"])
    }

    @Test func continuedOutputIsParsedFromItsState() {
        let format = PreparedChatFormat(reasoning)
        func rest(_ text: String, continuing continuation: String, after prompt: String = "") -> ReadMessage {
            var message = ReadMessage("", format, tools: nil)
            var parser = OutputParser(format, tools: tools, after: prompt, continuing: continuation)
            parser.append(Array(text.utf8)[...]) { message.record($0) }
            parser.finish { message.record($0) }
            return message
        }
        #expect(rest(" and more</think>x", continuing: "<think>\nI thought").reasoning == " and more")
        #expect(rest("  two", continuing: "One").content == "  two")
        #expect(rest("b</think>c", continuing: "a", after: "<think>\n").content == "c")
    }

    @Test func thousandsOfToolCallsAndDeepArgumentsNeedLinearTime() {
        let call =
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \""
            + String(repeating: "<tool_c", count: 50)
            + "\"}}\n</tool_call>\n"
        let message = ReadMessage(
            String(repeating: call, count: 2_000), PreparedChatFormat(.hermes), tools: tools, every: 3)
        #expect(message.calls.count == 2_000)
        let deep = "[TOOL_CALLS]get_weather[ARGS]{\"any\": " + String(repeating: "[", count: 100_000)
        #expect(ReadMessage(deep, PreparedChatFormat(.mistral), tools: tools, every: 4).warnings.count == 1)
        let long =
            "<tool_call>get_weather<arg_key>any</arg_key><arg_value>" + String(repeating: "1</arg_v ", count: 100_000)
            + "</arg_value></tool_call>"
        #expect(ReadMessage(long, PreparedChatFormat(.glm), tools: tools, every: 3).calls.first?.isComplete == true)
    }
}
