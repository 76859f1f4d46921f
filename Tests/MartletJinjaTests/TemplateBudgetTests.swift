import MartletJSON
import Testing

@testable import MartletJinja

/// Templates that exceed a limit fail soon.
@Suite struct TemplateBudgetTests {
    static let greedy = [
        "{{ 'a' * 1000000000000 }}",
        "{{ [1] * 1000000000000 }}",
        "{{ [1, 2] * 9223372036854775807 }}",
        "{{ ('a' ~ x) * 9223372036854775807 }}",
        "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
        "{{ ('\\n' * 1000000) | indent(1000000) }}",
        "{{ 'a' | center(1000000000000) | length }}",
        "{{ 'a'.ljust(1000000000000) }}",
        "{{ [1] | batch(100000000000, 0) | list }}",
        "{{ [1] | slice(100000000000) | list }}",
        "{{ [1] | tojson(indent=100000000000) }}",
        "{{ (['a'] * 1000000) | join('b' * 1000) }}",
        "{{ '%s' | format('a' * 300000000) }}",
        "{% macro f() %}{{ 'a' * 1000 }}{% for i in range(50) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
        "{% set a = [1] %}{% for x in range(100000) %}{% set _ = a.extend(a) %}{% endfor %}",
        "{% set d = {} %}{% for i in range(100000) %}{% for j in range(1000) %}"
            + "{% set _ = d.update({i * 1000 + j: 1}) %}{% endfor %}{% endfor %}",
    ]

    @Test(arguments: greedy.indices) func greedyTemplateIsStopped(index: Int) throws {
        var budget = TemplateBudget()
        budget.steps = 300_000
        let error = try #require(renderingError(Self.greedy[index], ["x": "y"], budget: budget))
        #expect(error.kind == .budget, "\(Self.greedy[index]): \(error)")
    }

    @Test func longFormatIsRefused() throws {
        let error = try #require(renderingError("{{ '{:1000000000000}'.format(1) }}"))
        #expect(error.message == "ValueError: Invalid format specifier '1000000000000'")
    }

    @Test func outputIsLimited() throws {
        var budget = TemplateBudget()
        budget.outputBytes = 11
        #expect(try render("{{ 'a' * 10 }}", budget: budget).text.utf8.count == 10)
        let error = try #require(renderingError("{{ 'a' * 10 }}\n{{ 'b' }}", budget: budget))
        #expect(error.kind == .budget)
        #expect(error.line == 2)
        #expect(error.message == "the template writes more than 11 bytes")
    }

    @Test func integersThatOverflowAreErrors() throws {
        for source in [
            "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}", "{{ 3037000500 * 3037000500 }}",
            "{{ 2 ** 64 }}", "{{ 10 ** 1000000 }}", "{{ -(-9223372036854775807 - 1) }}",
            "{{ (-9223372036854775807 - 1) // -1 }}", "{{ (-9223372036854775807 - 1) % -1 }}",
        ] {
            #expect(renderingError(source)?.message == "OverflowError: an integer has more than 64 bits", "\(source)")
        }
        #expect(try render("{{ 'abc'[9223372036854775807:] }}{{ 'abc'[::9223372036854775807] }}").text == "a")
        #expect(try render("{{ 'abc'[:-9223372036854775807] }}{{ 'abc'[::-9223372036854775807] }}").text == "c")
    }

    @Test func deepMessagesAreTheClientsFault() throws {
        var deep: JSONValue = 1
        for _ in 0..<100 { deep = [deep] }
        #expect(try render("{{ x | tojson }}", ["x": deep]).text.utf8.count == 201)
        let error = try #require(renderingError("{{ x }}", ["x": [deep]]))
        #expect(error.kind == .input)
        #expect(error.message == "messages, tools or arguments are nested more than 100 deep")
    }
}
