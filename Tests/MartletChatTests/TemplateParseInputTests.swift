import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

@Suite struct TemplateParseInputTests {
    private static let tools: JSONValue = [
        ["type": "function", "function": ["name": "now", "parameters": ["type": "object", "properties": [:]]]]
    ]

    private func parse(_ input: JSONValue) throws -> TemplateParseInput.Result {
        try TemplateParseInput(input).parse(source: TemplateFixtures.reasoning)
    }

    @Test func messageEqualsTheServersMessage() throws {
        let result = try parse([
            "output": "<think>\nHm.\n</think>\n\nWell. <tool_call>now {}</tool_call>", "tools": Self.tools,
        ])
        #expect(
            result.message.json == [
                "content": "Well.", "reasoning_content": "Hm.", "tool_calls": [["name": "now", "arguments": [:]]],
            ])
    }

    @Test func fieldsReachTheParser() throws {
        let call: JSONValue = "<tool_call>now {}</tool_call>"
        #expect(try parse(["output": call]).message.content == "<tool_call>now {}</tool_call>")
        #expect(
            try parse(["output": "<think>Hm.</think>Yes", "reasoning_format": "none"]).message.content
                == "<think>Hm.</think>Yes")
        #expect(try parse(["pieces": ["<thi", "nk>H", "m.</think>Yes"]]).message.reasoning == "Hm.")
        // The prompt contains an empty pair of reasoning delimiters.
        let closed = try parse(["output": "Yes", "kwargs": ["enable_thinking": false]])
        #expect(closed.format.hasSuffix("behind \"<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n\""))
        let cut = try parse(["output": "<tool_call>now {\"a\": ", "tools": Self.tools]).message.json
        #expect(cut["tool_calls"]?.arrayValue?.first?["arguments"] == "{\"a\":")
        #expect(cut["warnings"]?.arrayValue?.count == 1)
    }

    @Test func explanationNamesEveryPartAndItsRange() throws {
        let output = "<think>\nHm.\n</think>\n\nWell. <tool_call>now { }</tool_call> Yes"
        let lines = try parse(["output": .string(output), "tools": Self.tools]).explanation.lines
        #expect(
            lines == [
                #"0..<8"# + "\tdelimiter\t\"<think>\\n\"", "8..<11\treasoning\t\"Hm.\"",
                "11..<22\tdelimiter\t\"\\n</think>\\n\\n\"", "22..<27\tcontent\t\"Well.\"",
                "27..<43\tdelimiter\t\" <tool_call>now \"", "43..<43\tcall 0\t\"now\"", "43..<46\targuments 0\t\"{}\"",
                "46..<59\tdelimiter\t\"</tool_call> \"", "59..<62\tcontent\t\"Yes\"",
            ])
    }

    @Test func explanationOmitsThePromptsPartOfAHead() throws {
        let output =
            #"<|channel|>commentary to=functions.now <|constrain|>json<|message|>{"a": 1}<|call|>"#
        let parser = OutputParser(
            PreparedChatFormat(.harmony), tools: OutputCases.tools, after: "<|start|>assistant")
        #expect(
            OutputExplanation(of: Array(output.utf8), by: parser).lines == [
                "0..<67\tdelimiter\t"
                    + #""<|channel|>commentary to=functions.now <|constrain|>json<|message|>""#,
                "67..<67\tcall 0\t\"now\"", "67..<75\targuments 0\t" + #""{\"a\":1}""#,
                "75..<83\tdelimiter\t\"<|call|>\"",
            ])
    }

    /// Each text stands in its range, and the arguments begin with their brace.
    @Test(arguments: OutputCases.all) func explanationsNameTheRightRanges(chatFormat: OutputCases) {
        for test in chatFormat.cases {
            let output = Array(test.output.utf8)
            let label = Comment(rawValue: "\(chatFormat.file), \(test.name)")
            var end = 0
            for part in OutputExplanation(of: output, by: chatFormat.parser(test)).parts {
                #expect(part.range.lowerBound >= end && part.range.upperBound <= output.count, label)
                end = part.range.upperBound
                if part.kind.hasPrefix("arguments") {
                    guard test.isWellFormed, chatFormat.writesJSON else { continue }
                    #expect(output[part.range].first == UInt8(ascii: "{"), label)
                } else if !part.kind.hasPrefix("call"), part.kind != "warning" {
                    #expect(output[part.range].elementsEqual(part.text.utf8), label)
                }
            }
            if test.isWellFormed { #expect(end == output.count, label) }
        }
    }

    static let wrong: [(input: JSONValue, message: String)] = [
        ([], "the input must be an object, not an array"),
        ([:], "'output' is missing"),
        (["output": 1], "'output' must be a string, not an integer"),
        (["output": "a", "pieces": ["b"]], "'pieces' must join to 'output', but they join to another text"),
        (["pieces": [1]], "'pieces' must be an array of strings, not an array"),
        (
            ["output": "a", "reasoning_format": "x"],
            "'reasoning_format' must be one of none, auto, deepseek, not \"x\""
        ),
        (
            ["output": "a", "tools": [["type": "function"]]],
            "'tools[0].function.name' must be a string that is not empty"
        ),
        (
            ["outptu": "a"],
            "'outptu' is unknown; known are output, tools, messages, kwargs, reasoning_format, pieces"
        ),
    ]

    @Test(arguments: wrong.indices) func wrongFieldIsNamed(index: Int) {
        let row = Self.wrong[index]
        let error = #expect(throws: TemplateParseInput.InputError.self) { try TemplateParseInput(row.input) }
        #expect(error?.message == row.message)
    }

    /// The templates lie next to the project.
    @Test(.enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
    func outputsOfNamedTemplatesAreParsedAsTheirFileSays() throws {
        let folder =
            #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/Outputs"
        let file = try JSONParser.parse(TemplateFolder.read("\(folder)/templates.json") ?? [])
        let rows = try #require(file.arrayValue)
        #expect(rows.count >= 7)
        for row in rows {
            let name = try #require(row["template"]?.stringValue)
            let expected = try #require(row["expected"])
            var input = try #require(row.objectValue)
            input["template"] = nil
            input["expected"] = nil
            let result = try TemplateParseInput(.object(input)).parse(source: TemplateFolder.source(name))
            let label = Comment(rawValue: "\(name), \(row["name"]?.text ?? ""): \(result.message.json.text)")
            #expect(
                ChatFormatRecognition.canonical(result.message.json) == ChatFormatRecognition.canonical(expected), label
            )
        }
    }
}
