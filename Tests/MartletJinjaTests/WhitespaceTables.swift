import MartletText
import Testing

@testable import MartletJinja

/// White space around tags: templates and their results in Python's Jinja 3.1.6, with `sampleVariables`.
@Suite struct WhitespaceTables {
    static let rows: [(source: String, expected: String)] = [
        ("  {% if true %}\n  x\n  {% endif %}\ny\n", "  x\ny"),
        ("a\n{% for x in l %}\n  {{ x }}\n{% endfor %}\nb\n", "a\n  3\n  1\n  2\nb"),
        ("a\n  {%+ if 1 %}\n b\n  {%- endif +%}\n c\n\n", "a\n   b\n c\n"),
        ("x\r\ny{% if 1 %}\r\nz{% endif %}\r\n", "x\nyz"),
        ("{# a\n b #}\nx\n   {# c #}\ny", "x\ny"),
        ("   {{ s }}\n   {% if 1 %}  {% endif %}\n", "   Hello, World\n  "),
        ("{% raw %}\n  a {{\n{% endraw %}\nb", "\n  a {{\nb"),
        ("{{ 'a\nb' }}\n\n", "a\nb\n"),
        ("\n\n{{ 1 }}\n\n\n", "\n\n1\n\n"),
        ("{% set x %}\n a\n{% endset %}\n[{{ x }}]", "[ a\n]"),
        ("a{% if 1 -%}\n\n  b{% endif %}  \n  {%- if 1 %}c{% endif %}", "abc"),
        ("  {%- raw %}  a {%- endraw %} b", "  a b"),
        ("{% for x in [1,2] %}{% if x == 1 %}\n  a\n{% else %}\n  b\n{% endif %}\n{% endfor %}\n", "  a\n  b\n"),
        ("\t{% if 1 %}\n\t\tx\n\t{% endif %}\n", "\t\tx\n"),
        ("x  {% if 1 %}y{% endif %}", "x  y"),
        ("{{ 1 }}  {% if 1 %}\n y{% endif %}", "1   y"),
        ("{% if 1 %}\n  {% if 1 %}\n z{% endif %}{% endif %}", " z"),
        ("{#-#}a{#--#}b", "ab"),
        ("{% if 1 %}{#c#}\n  {% endif %}x", "x"),
        ("{{ [1,\n 2,\n] }} {{ {\n'a':1,} }} {{ f is defined }}", "[1, 2] {'a': 1} True"),
        ("\u{A0}{% if 1 %}x{% endif %}\u{2003}{%- if 1 %}y{% endif %}", "xy"),
    ]

    @Test(arguments: rows.indices) func whiteSpaceIsControlledAsInJinja(index: Int) throws {
        let row = Self.rows[index]
        let text = try render(row.source, sampleVariables).text
        #expect(text.hasSameBytes(as: row.expected), "\(row.source) gives \(text)")
    }
}
