import MartletJSON
import MartletJinja
import Testing

@testable import MartletChat

@Suite struct TemplateRenderInputTests {
    @Test func everyFieldReachesTheTemplate() throws {
        let input = try TemplateRenderInput([
            "messages": [["role": "user", "content": "Hi"]], "tools": [1, 2], "add_generation_prompt": false,
            "kwargs": ["x": "y"], "bos_token": "<s>", "eos_token": "</s>", "now": "2026-01-15T10:30:00",
        ])
        let source = """
            {{ bos_token }}{{ messages[0].content }}{{ tools }}{{ add_generation_prompt }}{{ x }}\
            {{ strftime_now('%H:%M') }}{{ eos_token }}
            """
        let rendered = try input.render(source: source)
        #expect(rendered.text == "<s>Hi[1, 2]Falsey10:30</s>")
        #expect(
            rendered.segmentsJSON == [
                ["text": "<s>", "trusted": true], ["text": "Hi[1, 2]Falsey", "trusted": false],
                ["text": "10:30</s>", "trusted": true],
            ])
    }

    @Test func absentFieldsHaveDefaults() throws {
        let input = try TemplateRenderInput(["messages": [], "tools": .null])
        #expect(
            try input.render(source: "{{ add_generation_prompt }}{{ tools is defined }}[{{ bos_token }}]").text
                == "TrueFalse[]")
    }

    @Test func messagesAreNotAdapted() throws {
        let input = try TemplateRenderInput(["messages": [["role": "developer", "content": .null]]])
        #expect(try input.render(source: "{{ messages[0] }}").text == "{'role': 'developer', 'content': None}")
    }

    static let rows: [(input: JSONValue, message: String)] = [
        ([], "the input must be an object, not an array"),
        ([:], "'messages' is missing"),
        (["messages": 1], "'messages' must be an array, not an integer"),
        (["messages": [], "tools": "x"], "'tools' must be an array, not a string"),
        (["messages": [], "add_generation_prompt": "yes"], "'add_generation_prompt' must be a boolean, not a string"),
        (["messages": [], "kwargs": []], "'kwargs' must be an object, not an array"),
        (["messages": [], "bos_token": 1], "'bos_token' must be a string, not an integer"),
        (
            ["messages": [], "now": "2026-02-30T10:30:00"],
            "'now' must be a date and time as in 2026-01-15T10:30:00, not '2026-02-30T10:30:00'"
        ),
        (
            ["messages": [], "kwarg": [:]],
            "'kwarg' is unknown; known are messages, tools, add_generation_prompt, kwargs, bos_token, eos_token, now"
        ),
    ]

    @Test(arguments: rows.indices) func wrongFieldIsNamed(index: Int) {
        let row = Self.rows[index]
        let error = #expect(throws: TemplateRenderInput.InputError.self) { try TemplateRenderInput(row.input) }
        #expect(error?.message == row.message)
    }
}
