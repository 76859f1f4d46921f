import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

/// The rule of each keyword: values that fulfil it, and values that do not, at each location where a schema may be.
@Suite struct KeywordRulesTests {
    private struct Rule: Sendable, CustomStringConvertible {
        var schema: String
        var yes: [String]
        var no: [String]
        var description: String { schema }

        init(_ schema: String, _ yes: [String], _ no: [String]) {
            (self.schema, self.yes, self.no) = (schema, yes, no)
        }
    }

    private static let values = [
        "null", "true", "false", "0", "-3", "2.5", #""""#, #""a""#, "[]", "[1]", "{}", #"{"a":1}"#,
    ]

    private static let rules: [Rule] = [
        // Of any value.
        Rule("true", values, []),
        Rule("{}", values, []),
        Rule(#"{"description": "x", "title": "y", "examples": [1], "default": 2, "x-own": 3}"#, values, []),
        Rule(#"{"type": "null"}"#, ["null"], ["false", "0", #""""#, "[]", "{}"]),
        Rule(#"{"type": "boolean"}"#, ["true", "false"], ["null", "0", "1", #""true""#]),
        Rule(#"{"type": "integer"}"#, ["0", "-3", "12345678901234567890"], ["2.5", "null", #""1""#]),
        Rule(#"{"type": "number"}"#, ["0", "-3", "2.5", "1e5", "-0.25E-2"], ["null", #""1""#, "01", "1.", ".5"]),
        Rule(#"{"type": "string"}"#, [#""""#, #""a""#, #""\u0041\n\"""#], ["null", "1", #"'a'"#, "a"]),
        Rule(#"{"type": "array"}"#, ["[]", "[1]", "[[],{}]"], ["{}", "null", "[1,]"]),
        Rule(#"{"type": "object"}"#, ["{}", #"{"a":1}"#], ["[]", "null", #"{"a"}"#, #"{"a":1,}"#]),
        Rule(#"{"type": ["integer", "null"]}"#, ["null", "7"], ["2.5", #""7""#, "true"]),
        Rule(#"{"type": ["integer", "number"]}"#, ["7", "2.5"], ["null"]),
        Rule(#"{"const": 5}"#, ["5"], ["6", "55", #""5""#, "null"]),
        Rule(#"{"const": null}"#, ["null"], ["0", #""""#]),
        Rule(#"{"const": "a\"\\\n"}"#, [#""a\"\\\n""#], [#""a""#]),
        Rule(
            #"{"const": [1, {"b": [null]}]}"#, [#"[1,{"b":[null]}]"#], ["[1]", #"[1,{"b":[]}]"#, #"[{"b":[null]},1]"#]),
        Rule(
            #"{"enum": [1, "a", null, [2], {"b": 3}]}"#, ["1", #""a""#, "null", "[2]", #"{"b":3}"#], ["2", "[]", "{}"]),
        Rule(#"{"enum": ["a", 1, "b"], "type": "string"}"#, [#""a""#, #""b""#], ["1"]),
        Rule(#"{"enum": [1, 2, 3], "const": 2}"#, ["2"], ["1", "3"]),
        Rule(#"{"enum": ["a", "ab", "abc"]}"#, [#""a""#, #""ab""#, #""abc""#], [#""""#, #""abcd""#, #""b""#]),
        // Numbers.
        Rule(#"{"type": "number", "minimum": 3}"#, ["3", "3.5", "100"], ["2", "2.999", "-3"]),
        Rule(#"{"type": "number", "exclusiveMinimum": 3}"#, ["3.001", "4"], ["3", "2"]),
        Rule(#"{"type": "number", "maximum": -1}"#, ["-1", "-1.5", "-20"], ["0", "-0.5", "1"]),
        Rule(#"{"type": "number", "exclusiveMaximum": 10}"#, ["9", "9.99", "-10"], ["10", "11"]),
        Rule(#"{"type": "number", "minimum": 3, "exclusiveMinimum": true}"#, ["4", "3.5"], ["3"]),
        Rule(#"{"type": "number", "maximum": 3, "exclusiveMaximum": true}"#, ["2", "2.5"], ["3"]),
        Rule(#"{"type": "number", "maximum": 3, "exclusiveMaximum": false}"#, ["3"], ["4"]),
        Rule(
            #"{"type": "integer", "minimum": 98, "maximum": 102}"#, ["98", "100", "102"], ["97", "103", "9", "1000"]),
        Rule(#"{"type": "integer", "minimum": -2, "exclusiveMaximum": 2}"#, ["-2", "0", "1"], ["-3", "2"]),
        Rule(#"{"type": "integer", "multipleOf": 3}"#, ["0", "3", "-9", "300"], ["1", "10", "-4"]),
        Rule(#"{"type": "number", "multipleOf": 0.25}"#, ["0", "0.5", "1.75", "-2"], ["0.1", "1.3"]),
        Rule(#"{"minimum": 5}"#, ["5", "null", #""a""#, "[]"], ["4"]),
        // Strings.
        Rule(#"{"type": "string", "minLength": 2}"#, [#""ab""#, #""é😀""#, #""abc""#], [#""a""#, #""""#, #""😀""#]),
        Rule(#"{"type": "string", "maxLength": 2}"#, [#""""#, #""ab""#, #""😀é""#, #""\"\\""#], [#""abc""#]),
        Rule(#"{"type": "string", "minLength": 1, "maxLength": 1}"#, [#""a""#, #""\n""#], [#""""#, #""ab""#]),
        Rule(#"{"type": "string", "pattern": "b"}"#, [#""b""#, #""abc""#], [#""""#, #""ac""#]),
        Rule(#"{"type": "string", "pattern": "^[a-c]+$", "minLength": 2}"#, [#""ab""#], [#""a""#, #""ad""#]),
        Rule(#"{"type": "string", "format": "date"}"#, [#""2024-02-29""#], [#""2023-02-29""#, #""today""#]),
        Rule(#"{"type": "string", "format": "no-format"}"#, [#""x""#], ["1"]),
        Rule(#"{"maxLength": 1}"#, [#""a""#, "12", "null"], [#""ab""#]),
        // Arrays.
        Rule(#"{"type": "array", "items": {"type": "null"}}"#, ["[]", "[null,null]"], ["[1]", "[null,1]"]),
        Rule(#"{"type": "array", "items": false}"#, ["[]"], ["[1]"]),
        Rule(#"{"type": "array", "minItems": 2}"#, ["[1,2]", "[1,2,3]"], ["[]", "[1]"]),
        Rule(#"{"type": "array", "maxItems": 1}"#, ["[]", "[1]"], ["[1,2]"]),
        Rule(#"{"type": "array", "maxItems": 0}"#, ["[]"], ["[1]"]),
        Rule(
            #"{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}"#,
            ["[]", "[1]", #"[1,"a"]"#, #"[1,"a",null]"#], [#"["a"]"#, "[1,2]"]),
        Rule(
            #"{"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "null"}}"#,
            ["[1]", "[1,null]"], ["[null]", "[1,1]"]),
        Rule(
            #"{"type": "array", "items": [{"type": "integer"}], "additionalItems": false}"#, ["[]", "[1]"],
            ["[1,1]", "[null]"]),
        Rule(#"{"type": "array", "contains": {"const": 1}}"#, ["[1]", "[2,1]", "[1,1]"], ["[]", "[2]"]),
        Rule(
            #"{"type": "array", "contains": {"const": 1}, "minContains": 2}"#, ["[1,1]", "[1,2,1]"], ["[1]", "[1,2]"]),
        Rule(
            #"{"type": "array", "contains": {"const": 1}, "minContains": 0, "maxContains": 1}"#, ["[]", "[2,1]"],
            ["[1,1]"]),
        Rule(
            #"{"type": "array", "uniqueItems": true}"#, ["[]", "[1,2]", #"[1,"1"]"#, "[[1],[2]]"],
            ["[1,1]", "[[1],[1]]"]),
        Rule(#"{"type": "array", "uniqueItems": false}"#, ["[1,1]"], ["{}"]),
        // Objects.
        Rule(
            #"{"type": "object", "properties": {"a": {"type": "null"}}}"#, ["{}", #"{"a":null}"#, #"{"b":1}"#],
            [#"{"a":1}"#]),
        Rule(#"{"type": "object", "properties": {"a": false}}"#, ["{}", #"{"b":1}"#], [#"{"a":1}"#]),
        Rule(#"{"type": "object", "required": ["a"]}"#, [#"{"a":1}"#, #"{"a":1,"b":2}"#], ["{}", #"{"b":1}"#]),
        Rule(
            #"{"type": "object", "properties": {"a": true}, "additionalProperties": false}"#, ["{}", #"{"a":1}"#],
            [#"{"b":1}"#, #"{"a":1,"b":1}"#]),
        Rule(
            #"{"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "null"}}"#,
            [#"{"a":1,"b":null}"#], [#"{"b":1}"#]),
        Rule(
            #"{"type": "object", "patternProperties": {"^x": {"type": "null"}}}"#,
            ["{}", #"{"xa":null}"#, #"{"a":1}"#],
            [#"{"xa":1}"#, #"{"x":1}"#]),
        Rule(#"{"type": "object", "propertyNames": {"maxLength": 1}}"#, ["{}", #"{"a":1}"#], [#"{"ab":1}"#]),
        Rule(#"{"type": "object", "propertyNames": {"enum": ["a", "b"]}}"#, ["{}", #"{"b":1}"#], [#"{"c":1}"#]),
        Rule(#"{"type": "object", "minProperties": 1}"#, [#"{"a":1}"#], ["{}"]),
        Rule(#"{"type": "object", "maxProperties": 1}"#, ["{}", #"{"a":1}"#], [#"{"a":1,"b":2}"#]),
        Rule(
            #"{"type": "object", "dependentRequired": {"a": ["b"]}}"#, ["{}", #"{"b":1}"#, #"{"a":1,"b":2}"#],
            [#"{"a":1}"#]),
        // Names in `properties` precede names that are only required.
        Rule(
            #"{"type": "object", "dependentSchemas": {"a": {"properties": {"b": {"type": "null"}}}}}"#,
            ["{}", #"{"b":1}"#, #"{"b":null,"a":1}"#], [#"{"a":1,"b":2}"#]),
        Rule(#"{"type": "object", "dependencies": {"a": ["b"]}}"#, ["{}", #"{"a":1,"b":2}"#], [#"{"a":1}"#]),
        Rule(#"{"type": "object", "dependencies": {"a": "b"}}"#, ["{}", #"{"a":1,"b":2}"#], [#"{"a":1}"#]),
        Rule(
            #"{"type": "object", "allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}"#,
            ["{}", #"{"a":1}"#], [#"{"b":1}"#]),
        Rule(
            #"{"type": "array", "allOf": [{"prefixItems": [true]}], "unevaluatedItems": false}"#, ["[]", "[1]"],
            ["[1,2]"]),
        // Combinations.
        Rule(#"{"allOf": [{"type": "integer"}, {"minimum": 2}, {"maximum": 4}]}"#, ["2", "4"], ["1", "5", "2.5"]),
        Rule(#"{"anyOf": [{"type": "integer"}, {"const": "a"}]}"#, ["1", #""a""#], [#""b""#, "null"]),
        Rule(#"{"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]}"#, ["1", "5.5"], ["7", "1.5"]),
        Rule(#"{"not": {"type": ["string", "object", "array"]}}"#, ["1", "null", "true"], [#""a""#, "{}", "[]"]),
        Rule(
            #"{"type": "integer", "if": {"minimum": 10}, "then": {"multipleOf": 5}, "else": {"multipleOf": 2}}"#,
            ["10", "15", "8"], ["12", "7"]),
        Rule(#"{"type": "integer", "if": {"minimum": 10}, "then": false}"#, ["9"], ["10"]),
        Rule(#"{"type": "integer", "if": {"minimum": 10}, "else": false}"#, ["10"], ["9"]),
        Rule(#"{"type": "integer", "then": false, "else": false}"#, ["9"], ["null"]),
    ]

    private static func wrapped(_ value: JSONValue, in form: String) -> JSONValue {
        switch form {
        case "a member":
            ["type": "object", "properties": ["v": value], "required": ["v"], "additionalProperties": false]
        case "an item": ["type": "array", "items": value, "minItems": 1]
        case "allOf": ["allOf": [value, true]]
        case "anyOf": ["anyOf": [value, false]]
        case "a reference": ["$ref": "#/$defs/own/x~1y", "$defs": ["own": ["x/y": value]]]
        case "a double negation": ["not": ["not": value]]
        default: value
        }
    }

    private static func text(_ text: String, in form: String) -> String {
        switch form {
        case "a member": #"{"v":\#(text)}"#
        case "an item": "[\(text)]"
        default: text
        }
    }

    @Test(arguments: rules.indices) func ruleHoldsWhereverItStands(index: Int) throws {
        let rule = Self.rules[index]
        let schema = try JSONParser.parse(Array(rule.schema.utf8))
        for form in ["itself", "a member", "an item", "allOf", "anyOf", "a reference"] {
            let probe = try SchemaProbe(Self.wrapped(schema, in: form))
            for text in rule.yes { #expect(probe.accepts(Self.text(text, in: form)), "\(rule) as \(form): \(text)") }
            for text in rule.no { #expect(!probe.accepts(Self.text(text, in: form)), "\(rule) as \(form): \(text)") }
            // Relaxed mode drops nothing of it.
            let relaxed = try SchemaProbe(Self.wrapped(schema, in: form), mode: .relaxed)
            #expect(relaxed.warnings == [] && relaxed.grammar == probe.grammar)
        }
    }

    @Test(arguments: rules.indices) func evaluatorFollowsTheRule(index: Int) throws {
        let rule = Self.rules[index]
        let schema = try JSONParser.parse(Array(rule.schema.utf8))
        let evaluator = SchemaEvaluator(
            nodes: try SchemaParser.read(schema, limits: .standard), patterns: PatternTable())
        for text in rule.yes { #expect(try evaluator.isValid(JSONParser.parse(Array(text.utf8)), 0), "\(text)") }
        for text in rule.no {
            // Some of the texts are not JSON.
            guard let value = try? JSONParser.parse(Array(text.utf8)) else { continue }
            #expect(try !evaluator.isValid(value, 0), "\(rule): \(text)")
        }
    }

    /// The grammar of a negated schema contains no value that fulfils the schema.
    @Test(arguments: rules.indices) func negationExcludesTheRule(index: Int) throws {
        let rule = Self.rules[index]
        let schema = try JSONParser.parse(Array(rule.schema.utf8))
        for form in ["itself", "a double negation"] {
            let negated: JSONValue = ["not": Self.wrapped(schema, in: form)]
            guard let probe = try? SchemaProbe(negated) else { continue }
            for text in rule.yes { #expect(!probe.accepts(text), "\(text) of \(negated.text)") }
        }
        guard let twice = try? SchemaProbe(Self.wrapped(schema, in: "a double negation")) else { return }
        for text in rule.no { #expect(!twice.accepts(text), "\(text)") }
    }

    /// Each value has exactly one type.
    @Test(
        arguments: [
            ("null", JSONTypes.null), ("true", .boolean), ("0", .integer), ("-7", .integer), ("2.0", .integer),
            ("1e3", .integer), ("2.5", .fraction), (#""""#, .string), ("[]", .array), ("{}", .object),
        ] as [(String, JSONTypes)])
    func valuesAreOfOneType(text: String, types: JSONTypes) throws {
        let value = try JSONParser.parse(Array(text.utf8))
        #expect(JSONTypes(of: value) == types)
        for name in ["null", "boolean", "integer", "number", "string", "array", "object"] {
            let named = try #require(JSONTypes(name: name))
            #expect(named.isSuperset(of: types) == PlainEvaluator.isType(name, value))
        }
    }

    /// Values are equal by content, in any order of members and any spelling.
    @Test(
        arguments: [
            ("1", "1.0", true), ("1", "1.5", false), ("0", "-0", true), ("100", "1e2", true), ("1", "true", false),
            ("null", "0", false), (#""1""#, "1", false), ("[1,2]", "[2,1]", false), ("[1]", "[1.0]", true),
            (#"{"a":1,"b":2}"#, #"{"b":2.0,"a":1}"#, true), (#"{"a":1}"#, #"{"a":1,"b":null}"#, false),
            ("[]", "{}", false), (#""é""#, #""\u00e9""#, true), (#""é""#, #""e\u0301""#, false),
            (#"{"é":1}"#, #"{"e\u0301":1}"#, false), ("[[{}]]", "[[{}]]", true), ("[[{}]]", "[[[]]]", false),
        ])
    func equalityIsThatOfValues(left: String, right: String, areEqual: Bool) throws {
        let (left, right) = (try JSONParser.parse(Array(left.utf8)), try JSONParser.parse(Array(right.utf8)))
        #expect(JSONEquality.equal(left, right) == areEqual && JSONEquality.equal(right, left) == areEqual)
        #expect(PlainEvaluator.areEqual(left, right) == areEqual)
        #expect(JSONEquality.equal(left, left) && JSONEquality.equal(right, right))
        #expect((JSONEquality.canonical(left).hashValue == JSONEquality.canonical(right).hashValue) == areEqual)
    }
}
