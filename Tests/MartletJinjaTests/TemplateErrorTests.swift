import MartletJSON
import Testing

@testable import MartletJinja

@Suite struct TemplateErrorTests {
    @Test func errorNamesLineAndSourceLine() throws {
        let error = try #require(renderingError("line one\n{% if true %}\n  {{ 1 + 'a' }}\n{% endif %}"))
        #expect(error.kind == .evaluation)
        #expect(error.line == 3)
        #expect(error.sourceLine == "{{ 1 + 'a' }}")
        #expect(
            error.description
                == "TypeError: unsupported operand type(s) for +: 'int' and 'str' (template line 3: {{ 1 + 'a' }})")
    }

    @Test func errorInsideALongTagNamesItsOwnLine() throws {
        let error = try #require(renderingError("{{ 'a'\n ~ 'b'\n ~ (none\n + 1) }}"))
        #expect(error.line == 4)
    }

    @Test func raisedErrorRetainsItsMessage() throws {
        let error = try #require(renderingError("\n{{ raise_exception('No ' ~ x ~ '!') }}", ["x": "system"]))
        #expect(error.kind == .raised)
        #expect(error.message == "No system!")
        #expect(error.description == "No system!")
        #expect(error.line == 2)
    }

    static let rows: [(source: String, message: String)] = [
        ("{{ a.b }}", "'a' is undefined"),
        ("{{ {}.b.c }}", "'dict object' has no attribute 'b'"),
        ("{{ [1][5].x }}", "list object has no element 5"),
        ("{{ none.x.y }}", "'None' has no attribute 'x'"),
        ("{{ none[0].y }}", "None has no element 0"),
        ("{{ 'a' + 1 }}", "TypeError: can only concatenate str (not \"int\") to str"),
        ("{{ 'a' in none }}", "TypeError: argument of type 'NoneType' is not iterable"),
        ("{% for x in none %}{% endfor %}", "TypeError: 'NoneType' object is not iterable"),
        ("{{ none | length }}", "TypeError: object of type 'NoneType' has no len()"),
        ("{{ [1] | map('upper') | tojson }}", "TypeError: Object of type generator is not JSON serializable"),
        ("{{ 1 | nope }}", "No filter named 'nope'."),
        ("{{ 1 is nope }}", "No test named 'nope'."),
        ("{{ 1() }}", "TypeError: 'int' object is not callable"),
        ("{{ 1 // 0 }}", "ZeroDivisionError: integer division or modulo by zero"),
        ("{% set x.y = 1 %}", "cannot assign attribute on non-namespace object"),
        ("{{ 'a'.join([1]) }}", "TypeError: sequence item 0: expected str instance, int found"),
        ("{% set a, b = [1] %}", "ValueError: not enough values to unpack (expected 2, got 1)"),
        ("{{ 'x'.__class__.y }}", "access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ range(100001) }}", "OverflowError: Range too big. The sandbox blocks ranges larger than 100000."),
        ("{{ [1]['a'](2) }}", "'list object' has no attribute 'a'"),
        ("{{ {[]: 1} }}", "TypeError: unhashable type: 'list'"),
        ("{{ {(1, [2]): 1} }}", "TypeError: unhashable type: 'list'"),
        ("{{ {(1, 2): 3} | tojson }}", "TypeError: keys must be str, int, float, bool or None, not tuple"),
        (
            "{% set ns = namespace(k=()) %}{% for i in range(40) %}{% set ns.k = (ns.k,) %}{% endfor %}{{ {ns.k: 1} }}",
            "a key is nested more than 32 deep"
        ),
        ("{{ 'a' | from_json }}", "from_json: "),
    ]

    @Test(arguments: rows.indices) func failureHasPythonsText(index: Int) throws {
        let row = Self.rows[index]
        let error = try #require(renderingError(row.source), "\(row.source)")
        #expect(row.message.hasSuffix(": ") ? error.message.hasPrefix(row.message) : error.message == row.message)
        #expect(error.line == 1)
    }

    static let syntax: [(source: String, message: String, line: Int)] = [
        ("{{ 1", "unexpected end of template, expected 'end of print statement'", 1),
        ("\n{% if x %}a", "unexpected end of template: the tag 'if' misses its 'endif'", 2),
        ("{{ (1] }}", "unexpected ']', expected ')'", 1),
        ("{{ ) }}", "unexpected ')'", 1),
        ("{{ 1 + }}", "unexpected end of print statement", 1),
        ("\n\n{% nope %}", "Encountered unknown tag 'nope'", 3),
        ("{% endif %}", "Encountered unknown tag 'endif'", 1),
        ("{% for x in y %}{% endif %}", "Encountered unknown tag 'endif' (the innermost open tag is 'for')", 1),
        ("{% break %}", "'break' outside loop", 1),
        ("{# open", "Missing end of comment tag", 1),
        ("{% raw %}x", "Missing end of raw directive", 1),
        ("{{ 'open }}", "unexpected char '''", 1),
        ("{{ a ? b }}", "unexpected char '?'", 1),
        ("{{ 99999999999999999999 }}", "'99999999999999999999' is no integer of 64 bits", 1),
        ("{% set true = 1 %}", "can't assign to 'true'", 1),
        ("{% macro f(a=1, b) %}{% endmacro %}", "non-default argument follows default argument", 1),
        ("{{ f(a=1, 2) }}", "invalid syntax for function call expression", 1),
        ("{% call f %}{% endcall %}", "expected call", 1),
        ("{% if %}{% endif %}", "Expected an expression, got end of statement block", 1),
        ("{{ x is string is string }}", "You cannot chain multiple tests with is", 1),
    ]

    @Test(arguments: syntax.indices) func brokenSourceIsNamedWithItsLine(index: Int) throws {
        let row = Self.syntax[index]
        let error = try #require(renderingError(row.source), "\(row.source)")
        #expect(error.kind == .syntax)
        #expect(error.message == row.message)
        #expect(error.line == row.line)
    }
}
