import MartletText
import Testing

@testable import MartletJinja

/// Tags: templates and their results in Python's Jinja 3.1.6, with `sampleVariables`.
@Suite struct StatementTables {
    static let rows: [(source: String, expected: String)] = [
        (
            """
            {% set ns = namespace(a=1, b='x') %}{% set ns.a = ns.a + 1 %}{% set ns.c = 5 %}{{ ns.a }}{{ ns.b }}{\
            { ns.c }}{{ ns.zz }}
            """,
            "2x5"
        ),
        (
            """
            {% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.firs\
            t }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.next\
            item }}{{ loop.cycle('a','b') }}{{ loop.changed(x > 1) }};{% endfor %}
            """,
            "1032TrueFalse3101aTrue;2121FalseFalse31032bTrue;3210FalseTrue3101aTrue;"
        ),
        (
            """
            {% for x in [] %}a{% else %}empty{% endfor %}{% for x in l if x > 5 %}a{% else %}none{% endfor %}{% \
            for x in l if x > 1 %}{{ loop.index }}{{ loop.length }}{{ x }}{% endfor %}
            """,
            "emptynone123222"
        ),
        (
            """
            {% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for a, \
            (b, c) in [(1,(2,3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for c in 'héy' %}[{{ c }}]{% endfor %}
            """,
            "b=1;a=[1, 2.0, None, True, \"x'y\"];items=5;ä=ö\n;baitemsä123[h][é][y]"
        ),
        (
            """
            {% for x in range(10) %}{% if x == 3 %}{% continue %}{% endif %}{% if x > 5 %}{% break %}{% endif %}\
            {{ x }}{% endfor %}
            """,
            "01245"
        ),
        (
            """
            {% for n in [{'v':1,'c':[{'v':2,'c':[]},{'v':3,'c':[{'v':4,'c':[]}]}]}] recursive %}<{{ n.v }}@{{ lo\
            op.depth }}{{ loop(n.c) }}>{% endfor %}
            """,
            "<1@1<2@2><3@2<4@3>>>"
        ),
        (
            """
            {% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = i + 10 %}{{ x }}{% endfor %}{{ x }}{% if true %\
            }{% set x = 'if' %}{% endif %}{{ x }}
            """,
            "1111121if"
        ),
        ("{% for i in [1,2] %}{% if loop.first %}{% set q = 'set' %}{% endif %}{{ q }}|{% endfor %}{{ q }}", "set||"),
        (
            """
            {% macro f(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=3) }} {{ f() }} \
            {{ f.name }} {{ f('x')|upper }} {% set y = f(9) %}{{ y|length }}
            """,
            "1-2-1 1-2-3 -2- f X-2-X 5"
        ),
        (
            "{% macro g() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ g(1,2,x=3) }}{{ g(*[1,2], **{'k': 3}) }}",
            "(1, 2){'x': 3}(1, 2){'k': 3}"
        ),
        (
            """
            {% macro box(t) %}[{{ t }}:{{ caller('in') }}]{% endmacro %}{% call(v) box('T') %}body {{ v }}{% end\
            call %}{% macro h() %}{{ caller is defined }}{% if caller %}{{ caller() }}{% endif %}{% endmacro %}{\
            { h() }}{% call h() %}z{% endcall %}
            """,
            "[T:body in]FalseTruez"
        ),
        (
            """
            {% macro m1() %}{{ outer }}{{ loopvar }}{% endmacro %}{% set outer = 'O' %}{% for loopvar in [1] %}{\
            { m1() }}{% endfor %}
            """,
            "O"
        ),
        (
            "{% macro rec(n) %}{{ n }}{% if n > 0 %},{{ rec(n-1) }}{% endif %}{% endmacro %}{{ rec(5) }}",
            "5,4,3,2,1,0"
        ),
        (
            """
            {% set b %}  block {{ s }} {% endset %}[{{ b }}]{% set c | upper | trim %} up {% endset %}[{{ c }}]{\
            % filter upper %}abc{{ s }}{% endfilter %}{% with a=1, b=2 %}{{ a }}{{ b }}{% endwith %}{{ a }}
            """,
            "[  block Hello, World ][UP]ABCHELLO, WORLD12"
        ),
        (
            "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set a, b = [b, a] %}{{ a }}{{ b }}{% set t = 1, %}{{ t }}",
            "1221(1,)"
        ),
        ("{% generation %}{% set inner = 1 %}gen{{ inner }}{% endgeneration %}{{ inner }}", "gen1"),
        ("{% set c = cycler('a','b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}", "abaa"),
        ("{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b{{ j() }}c", "a, b, c"),
        (
            """
            {% set a = [1] %}{{ a.append(2) }}{{ a }}{% set _ = a.extend([3]) %}{{ a.pop() }}{{ a.pop(0) }}{{ a \
            }}{% set _ = a.insert(0, 'z') %}{{ a }}{{ a.index(2) }}{{ a.count(2) }}{% set _ = a.reverse() %}{{ a\
             }}{% set _ = a.remove('z') %}{{ a }}{{ a.copy() }}
            """,
            "None[1, 2]31[2]['z', 2]11[2, 'z'][2][2]"
        ),
        (
            """
            {% set q = {'a':1} %}{% set _ = q.update({'b':2}, c=3) %}{{ q }}{{ q.pop('a') }}{{ q.pop('zz', 9) }}\
            {{ q.setdefault('d', 4) }}{{ q }}{% set _ = q.update([('x',1)]) %}{{ q }}{{ q.copy() }}
            """,
            """
            {'a': 1, 'b': 2, 'c': 3}194{'b': 2, 'c': 3, 'd': 4}{'b': 2, 'c': 3, 'd': 4, 'x': 1}{'b': 2, 'c': 3, \
            'd': 4, 'x': 1}
            """
        ),
        ("a  {%- if true -%}  b  {%- endif -%}  c", "abc"),
        ("a {%+ if true +%} b {%+ endif +%} c", "a  b  c"),
        ("x{# comment #}", "x"),
        ("y{#- c -#}  z  {# c #}  w", "yz    w"),
        ("{{ 'a' -}}   b   {{- 'c' }}", "abc"),
        (
            "{% raw %}{{ x }} {% if %}{% endraw %}|{%- raw -%}  {{ y }}  {%- endraw -%}  z",
            "{{ x }} {% if %}|{{ y }}z"
        ),
        ("{{ \"}}\" }}{{ '%}' }}{{ {'a':{}} }}{{ \"{{\" }}", "}}%}{'a': {}}{{"),
        (
            """
            {% if n %}a{% elif zz %}b{% elif l %}c{% else %}d{% endif %}{% if not l %}x{% endif %}{% if l and s \
            %}y{% endif %}
            """,
            "cy"
        ),
        (
            """
            {{ l|select('odd')|list|length }} {% set g = l|select('odd') %}{{ g|list }}{{ g|list }} {{ l|map('st\
            ring')|first }}
            """,
            "2 [3, 1][] 3"
        ),
        (
            """
            {{ "a" if l|length > 2 and s else "b" }} {% if s is string and s|length > 3 or false %}ok{% endif %}
            """,
            "a ok"
        ),
        ("{%- if 1 %} a {% endif -%} b", " a b"),
        ("    {#- c -#}", ""),
    ]

    @Test(arguments: rows.indices) func tagsEqualJinjas(index: Int) throws {
        let row = Self.rows[index]
        let text = try render(row.source, sampleVariables).text
        #expect(text.hasSameBytes(as: row.expected), "\(row.source) gives \(text)")
    }
}
