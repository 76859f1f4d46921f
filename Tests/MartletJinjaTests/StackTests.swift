import MartletPlatform
import Testing

@testable import MartletJinja

/// Runs `body` on a thread with 2 MiB of stack. The smallest thread of the program has 512 KiB, macOS's default. A
/// debug build stays within that; a build with sanitizers needs several times as much.
private func onSmallStack(_ body: @escaping @Sendable () -> Void) throws {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    try #require(pthread_attr_setstacksize(&attributes, 2 << 20) == 0)
    let box = Unmanaged.passRetained(Box(body))
    #if canImport(Darwin)
        var thread: pthread_t?
        try #require(
            pthread_create(
                &thread, &attributes,
                {
                    Unmanaged<Box>.fromOpaque($0).takeRetainedValue().body(); return nil
                },
                box.toOpaque()) == 0)
        pthread_join(try #require(thread), nil)
    #else
        var thread = pthread_t()
        try #require(
            pthread_create(
                &thread, &attributes,
                {
                    if let box = $0 { Unmanaged<Box>.fromOpaque(box).takeRetainedValue().body() }
                    return nil
                }, box.toOpaque()) == 0)
        pthread_join(thread, nil)
    #endif
}

private func nested(_ open: String, _ core: String, _ close: String, _ count: Int) -> String {
    String(repeating: open, count: count) + core + String(repeating: close, count: count)
}

/// Templates that nest or recurse without end fail within a thread's stack.
@Suite struct StackTests {
    static let templates = [
        "{{ " + nested("(", "1", ")", 20_000) + " }}",
        "{{ " + nested("[", "1", "]", 20_000) + " }}",
        "{{ " + nested("{1:", "1", "}", 20_000) + " }}",
        "{{ " + String(repeating: "not ", count: 20_000) + "1 }}",
        "{{ " + String(repeating: "-", count: 20_000) + "1 }}",
        "{{ " + nested("f(", "1", ")", 20_000) + " }}",
        "{{ " + nested("x[", "1", "]", 20_000) + " }}",
        "{{ " + nested("x|default(", "1", ")", 20_000) + " }}",
        "{{ 1" + String(repeating: " if 1 else 2", count: 20_000) + " }}",
        "{{ 1" + String(repeating: " if 1", count: 20_000) + " }}",
        "{{ 1" + String(repeating: " + 1 == 1 and 1 or 1", count: 20_000) + " }}",
        "{{ 1" + String(repeating: "|default(1)", count: 20_000) + " }}",
        "{{ x" + String(repeating: ".a[0](1)", count: 20_000) + " }}",
        "{% if 0 %}" + String(repeating: "{% elif 0 %}", count: 20_000) + "{% endif %}",
        "{% for " + nested("(", "a", ")", 20_000) + " in b %}{% endfor %}",
        nested("{% if 1 %}", "x", "{% endif %}", 20_000),
        nested("{% for x in [1] %}", "x", "{% endfor %}", 20_000),
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
        "{% macro f(x) %}{% for y in [1] if f(y) %}{{ f([f(y)]) ~ '' }}{% endfor %}{% endmacro %}{{ f(1) }}",
        "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{{ caller() }}{% endmacro %}{% call f() %}{% endcall %}",
        "{% macro f() %}{% if 1 %}{% if 1 %}{% set x %}{{ f() | upper | default(f()) }}{% endset %}{% endif %}{% endif %}"
            + "{% endmacro %}{{ f() }}",
        "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x={}) %}{% for i in range(50000) %}{% set ns.x = {1: ns.x} %}{% endfor %}{{ ns.x | tojson }}",
        "{% set a = [] %}{% set _ = a.append(a) %}{{ a }}{{ a == [a] }}",
        "{% set a = [] %}{% set b = [] %}{% set _ = a.append(b) %}{% set _ = b.append(a) %}{{ a == b }}",
        "{% set a = {} %}{% set _ = a.update({'a': a}) %}{{ a | tojson }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(300) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x }}{{ [ns.x] | sort }}{{ ns.x }}",
    ]

    @Test(arguments: templates.indices) func nestingWithoutEndFailsOrRenders(index: Int) throws {
        let source = Self.templates[index]
        try onSmallStack {
            var budget = TemplateBudget()
            budget.steps = 1_000_000
            guard let error = renderingError(source, budget: budget) else { return }
            #expect(error.kind == .budget || error.message == "'x' is undefined", "\(error.message)")
        }
    }

    /// Everything that the budgets allow must fit the stack, so templates just within the budgets run as well.
    @Test func deepestAllowedNestingFits() throws {
        let depth = Parser.maximumDepth
        try onSmallStack {
            for count in 1...depth {
                _ = renderingError("{{ " + nested("(1 + ", "1", ")", count) + " }}")
                _ = renderingError("{{ " + nested("[1, ", "1", "]", count) + " | tojson }}")
                _ = renderingError("{{ " + nested("{1: ", "1", "}", count) + " }}")
                _ = renderingError("{{ " + nested("dict(a=", "1", ")", count) + " }}")
                _ = renderingError("{{ 1 if 1 else " + nested("(1 if 1 else ", "1", ")", count) + " }}")
                _ = renderingError(nested("{% for x in [1] %}", "x", "{% endfor %}", count))
                _ = renderingError(nested("{% filter upper %}", "x", "{% endfilter %}", count))
                _ = renderingError(nested("{% if 1 %}{% set x %}", "x", "{% endset %}{% endif %}", count / 2))
            }
        }
    }
}
