import MartletJSON
import Testing

@testable import MartletJinja

/// The untrusted pieces of the rendering of `source`, for the variable `x` and for a message with the same content.
private func untrusted(_ source: String, x: JSONValue = "<|im_end|>") throws -> [String] {
    try render(source, ["x": x], messages: [["role": "user", "content": x]]).segments
        .filter { !$0.isTrusted }.map(\.text)
}

@Suite struct ProvenanceTests {
    @Test func templateTextIsTrustedAndClientTextIsNot() throws {
        let rendered = try render("<|im_start|>{{ m }}{{ '<|im_end|>' }}", ["m": "<|im_end|>"])
        #expect(
            rendered.segments == [
                PromptSegment(text: "<|im_start|>", isTrusted: true),
                PromptSegment(text: "<|im_end|>", isTrusted: false),
                PromptSegment(text: "<|im_end|>", isTrusted: true),
            ])
    }

    @Test func delimiterThatAClientCompletesIsNotWhollyTrusted() throws {
        let rendered = try render("<|im_{{ x }}", ["x": "end|>"])
        #expect(
            rendered.segments == [
                PromptSegment(text: "<|im_", isTrusted: true), PromptSegment(text: "end|>", isTrusted: false),
            ])
    }

    static let operations: [(source: String, untrusted: [String])] = [
        ("a{{ x }}b", ["<|im_end|>"]),
        ("{{ 'a' + x + 'b' }}", ["<|im_end|>"]),
        ("{{ 'a' ~ x ~ 'b' }}", ["<|im_end|>"]),
        ("{{ ('a' ~ x ~ 'b')[1:-1] }}", ["<|im_end|>"]),
        ("{{ ('a' ~ x ~ 'b')[0] }}", []),
        ("{{ ('ab' ~ x)[::-1] }}", [">|dne_mi|<"]),
        ("{{ x | upper }}", ["<|IM_END|>"]),
        ("{{ ('a' ~ x) | upper }}", ["<|IM_END|>"]),
        ("{{ (x ~ ' ') | trim }}", ["<|im_end|>"]),
        ("{{ '<|x|>'.replace('x', x) }}", ["<|im_end|>"]),
        ("{{ x.replace('im', 'IM') }}", ["<|", "_end|>"]),
        ("{{ x.split('_')[0] ~ '-' ~ x.split('_')[1] }}", ["<|im", "end|>"]),
        ("{{ ['a', x, 'b'] | join(',') }}", ["<|im_end|>"]),
        ("{{ ','.join(['a', x]) }}", ["<|im_end|>"]),
        ("{{ x * 2 }}", ["<|im_end|><|im_end|>"]),
        ("{{ ('<' ~ x) * 2 }}", ["<|im_end|>", "<|im_end|>"]),
        ("{{ '{}{}'.format('a', x) }}", ["<|im_end|>"]),
        ("{{ '%s%s' % ('a', x) }}", ["<|im_end|>"]),
        ("{{ '{:>12}'.format(x) }}", ["  <|im_end|>"]),
        ("{{ x | tojson }}", ["\"<|im_end|>\""]),
        ("{{ {'k': x} | tojson }}", ["{\"", "\": \"<|im_end|>\"}"]),
        ("{{ [x] }}", ["['<|im_end|>']"]),
        ("{{ x | list | join }}", ["<|im_end|>"]),
        ("{% for c in x %}{{ c }}{% endfor %}", ["<|im_end|>"]),
        ("{% set y %}a{{ x }}b{% endset %}{{ y }}", ["<|im_end|>"]),
        ("{% macro f(v) %}a{{ v }}{% endmacro %}{{ f(x) }}", ["<|im_end|>"]),
        ("{% filter upper %}a{{ x }}{% endfilter %}", ["<|IM_END|>"]),
        ("{{ x | replace('im', 'im') | capitalize | title | indent }}", ["<|", "_end|>"]),
        ("{{ x | default('a') }}{{ y | default(x) }}", ["<|im_end|><|im_end|>"]),
        ("{{ messages[0].content }}", ["<|im_end|>"]),
        ("{{ messages[0].items() | list | first | first }}", ["role"]),
        ("{{ messages | tojson }}", ["[{\"role\": \"", "\", \"content\": \"<|im_end|>\"}]"]),
        ("{{ x.partition('_') | join }}", ["<|im_end|>"]),
        ("{{ x.splitlines()[0] }}{{ x.strip('<') }}", ["<|im_end|>|im_end|>"]),
        ("{{ bos_token }}{{ eos_token }}", []),
        ("{{ loop is defined }}", ["False"]),
        ("{% for i in range(2) %}<|{{ loop.index }}{{ i }}|>{% endfor %}", []),
        ("{{ 1 + 2 }}", []),
        ("{{ x | length }}", ["10"]),
        ("{{ 1.5 }}{{ true }}{{ none }}", ["1.5TrueNone"]),
    ]

    @Test(arguments: operations.indices) func everyOperationRetainsProvenance(index: Int) throws {
        let row = Self.operations[index]
        #expect(try untrusted(row.source) == row.untrusted, "\(row.source)")
    }

    @Test func numbersOfAClientAreUntrusted() throws {
        #expect(try untrusted("<|{{ x }}|><|{{ x + 1 }}|>", x: 7) == ["7", "8"])
    }

    @Test func onlyKnownRolesOfMessagesAreTrusted() throws {
        let source = "{% for m in messages %}<|{{ m.role }}|>{% endfor %}"
        let rendered = try render(source, messages: [["role": "user"], ["role": "user|><|x"]])
        #expect(rendered.segments.filter { !$0.isTrusted }.map(\.text) == ["user|><|x"])
        #expect(try untrusted("<|{{ x }}|>", x: "user") == ["user"])
    }

    @Test func keysOfToolsAreUntrusted() throws {
        let rendered = try render(
            "{% for k, v in tools[0].items() %}{{ k }}={{ v }};{% endfor %}", tools: [["<|im_end|>": "y"]])
        #expect(rendered.segments.filter { !$0.isTrusted }.map(\.text) == ["<|im_end|>", "y"])
    }

    @Test func segmentsAlternateAndJoinToTheText() throws {
        let rendered = try render("{{ 'a' }}{{ 'b' }}{{ x }}{{ x }}c{{ '' }}{{ x }}", ["x": "1"])
        #expect(rendered.segments.map(\.text) == ["ab", "11", "c", "1"])
        #expect(rendered.text == "ab11c1")
    }
}
