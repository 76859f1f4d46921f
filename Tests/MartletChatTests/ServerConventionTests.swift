import MartletJSON
import MartletJinja
import Testing

@testable import MartletChat

/// Variables and rules that templates get from a server and not from Python's library.
@Suite struct ServerConventionTests {
    private static let now = TemplateTime(year: 2026, month: 1, day: 5, hour: 10, minute: 30)

    private func text(_ source: String, tools: [JSONValue]? = nil, _ variables: JSONValue = [:]) throws -> String {
        try JinjaTemplate(source).render(
            JinjaTemplate.Input(
                messages: [], tools: tools, arguments: variables.objectValue ?? [:], now: Self.now, conventions: .server
            )
        ).text
    }

    static let rows: [(source: String, expected: String)] = [
        ("{{ [3, 1] | map('string') | tojson }}", "[\"3\", \"1\"]"),
        ("{{ [3, 1] | map('string') | length }}", "2"),
        ("{{ ([3, 1] | map('string'))[1] }}", "1"),
        ("{{ [3, 1] | reverse | tojson }}", "[1, 3]"),
        ("{{ [1, 2, 3] | select('odd') | length }}", "2"),
        ("{{ [1, 2, 3] | reject('odd') | last }}", "2"),
        ("{{ [{'k': 1}, {}] | selectattr('k') | tojson }}", "[{\"k\": 1}]"),
        ("{{ [1, 2, 3] | batch(2) | tojson }}", "[[1, 2], [3]]"),
        ("{{ [1, 1] | unique | length }}", "1"),
        ("{{ {'a': 1} | items | tojson }}", "[[\"a\", 1]]"),
        ("{{ {'a': 1}.items() | tojson }}", "[[\"a\", 1]]"),
        ("{{ {'a': 1}.keys() | tojson }}{{ {'a': 1}.values() | tojson }}", "[\"a\"][1]"),
        ("{{ range(3) | tojson }}", "[0, 1, 2]"),
        ("{{ date_string }}, {{ datetime }}", "05 Jan 2026, Jan 05 2026"),
        ("{{ a.b.c is defined }}{{ a.b }}{{ a['b'].c is none }}", "FalseFalse"),
        ("{%- macro f(s) %}{{ 'x' if s.type is defined else 'none' }}{% endmacro %}{{ f({}.absent) }}", "none"),
        ("{{ functions is defined and functions == '' }}", "True"),
    ]

    @Test(arguments: rows.indices) func templatesReceiveTheServersVariables(index: Int) throws {
        let row = Self.rows[index]
        #expect(try text(row.source) == row.expected, "\(row.source)")
    }

    @Test func functionsAreTheToolsTextAndUntrusted() throws {
        let tools: [JSONValue] = [["type": "function", "name": "f"]]
        let rendered = try JinjaTemplate("T{{ functions }}").render(
            JinjaTemplate.Input(messages: [], tools: tools, now: Self.now, conventions: .server))
        #expect(
            rendered.segments == [
                PromptSegment(text: "T", isTrusted: true),
                PromptSegment(
                    text: "[\n  {\n    \"type\": \"function\",\n    \"name\": \"f\"\n  }\n]", isTrusted: false),
            ])
    }

    @Test func variablesOfTheClientOverrideTheServers() throws {
        #expect(try text("{{ date_string }}", ["date_string": "once"]) == "once")
    }

    @Test func contentWithReasoningAndCallsJoinsTheReasoningWhereNecessary() throws {
        let picky = """
            {%- for m in messages -%}
            {%- if m.tool_calls and m.content and m.thinking -%}{{- raise_exception('not both') -}}{%- endif -%}
            {{- m.role + ':' + (m.thinking or '') + '|' + (m.content or '') + ';' -}}
            {%- for c in m.tool_calls or [] -%}{{- c.function.name -}}{%- endfor -%}
            {%- endfor -%}
            """
        let message: JSONValue = [
            "role": "assistant", "content": "Let me see.", "reasoning_content": "A lookup helps.",
            "tool_calls": [["type": "function", "function": ["name": "f", "arguments": "{}"]]],
        ]
        let template = try ChatTemplate(source: picky, beginningToken: "", endToken: "")
        let prompt = try template.render(messages: [["role": "user", "content": "Hi"], message])
        #expect(prompt.text == "user:|Hi;assistant:A lookup helps.\n\nLet me see.|;f")
        #expect(
            prompt.warnings == [
                "messages[1].content joined the message's reasoning: the model's template accepts no content together with reasoning and tool calls"
            ])
        // Other messages retain their content, without a warning.
        let plain = try template.render(messages: [["role": "assistant", "content": "a", "reasoning_content": "b"]])
        #expect(plain.text == "assistant:b|a;" && plain.warnings.isEmpty)
    }
}

@Suite("Real templates", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct RealTemplateTests {
    private static let user: JSONValue = ["role": "user", "content": "Hi"]

    private func template(_ name: String) throws -> ChatTemplate {
        try ChatTemplate(source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
    }

    /// An optional argument, as many SDKs declare it.
    @Test func everyTemplateAcceptsNullableTypes() throws {
        let nullable: JSONValue = [
            "type": "function",
            "function": [
                "name": "f", "description": "d",
                "parameters": [
                    "type": "object",
                    "properties": [
                        "a": ["type": ["string", "null"], "description": "x"],
                        "b": ["type": "null"],
                        "c": ["type": ["array", "null"], "items": ["type": ["integer", "null"]]],
                        "d": ["anyOf": [["type": "string"], ["type": "null"]]],
                        "type": ["type": ["boolean", "null"]],
                    ], "required": ["a"],
                ],
            ],
        ]
        for name in try TemplateFolder.names() {
            let template = try template(name)
            let prompt = try template.render(messages: [Self.user], tools: [nullable])
            if template.capabilities.acceptsNullTypes, template.capabilities.supportsTools, name.contains("Qwen") {
                #expect(prompt.text.contains("\"null\""), "\(name)")
            }
        }
    }

    @Test func toolsAreShownByTemplatesThatNeedAServersVariables() throws {
        for name in ["llama-cpp-deepseek-r1", "fireworks-ai-llama-3-firefunction-v2"] {
            let text = try template(name).render(messages: [Self.user], tools: ChatFormatRecognition.tools).text
            #expect(text.contains("probe_alpha"), "\(name)")
        }
    }

    @Test func llamaTemplateRendersTheDate() throws {
        let now = TemplateTime(year: 2031, month: 3, day: 9)
        for name in ["meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct"] {
            let text = try template(name).render(messages: [Self.user], now: now).text
            #expect(text.contains("Today Date: 09 Mar 2031\n"), "\(name)")
        }
    }

    /// A streamed message is sent back: content, reasoning and calls in one message.
    @Test func everyTemplateAcceptsContentWithReasoningAndCalls() throws {
        for name in try TemplateFolder.names() {
            let template = try template(name)
            guard template.capabilities.supportsToolCalls else { continue }
            let message: JSONValue = [
                "role": "assistant", "content": "Saidword", "reasoning_content": "Thoughtword",
                "tool_calls": [
                    [
                        "id": "call00001", "type": "function",
                        "function": ["name": "probe_alpha", "arguments": "{\"x\": \"y\"}"],
                    ]
                ],
            ]
            let result: JSONValue = [
                "role": "tool", "tool_call_id": "call00001", "name": "probe_alpha", "content": "1",
            ]
            let prompt = try template.render(
                messages: [Self.user, message, result], tools: ChatFormatRecognition.tools)
            #expect(prompt.text.contains("probe_alpha"), "\(name)")
            if template.capabilities.acceptsContentWithReasoningAndCalls {
                #expect(prompt.warnings.isEmpty, "\(name)")
            } else {
                #expect(prompt.text.contains("Saidword") && prompt.warnings.count == 1, "\(name)")
            }
        }
    }
}
