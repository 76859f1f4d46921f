import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

@Suite struct SchemaTests {
    @Test(
        arguments: [
            (#"{}"#, ["1", "{}", #"[null,true,"x",{"a":[]}]"#], ["", "{", "tru", "[1,]", #"{"a"}"#]),
            (#"{"type": ["string", "null"]}"#, [#""a""#, "null"], ["1", "[]"]),
            (
                #"{"enum": [1, "a", null, [2], {"b": 3}]}"#, ["1", #""a""#, "null", "[2]", #"{"b":3}"#],
                ["2", "[]", "{}"]
            ),
            (#"{"const": "x", "type": "string"}"#, [#""x""#], [#""y""#]),
            // Names and values are compared by their bytes: a composed and a decomposed letter differ.
            (#"{"enum": ["\u00e9"]}"#, ["\"\u{E9}\""], ["\"e\u{301}\""]),
            (#"{"enum": ["\u00e9", "e\u0301"]}"#, ["\"\u{E9}\"", "\"e\u{301}\""], [#""e""#]),
            (
                #"{"type": "string", "anyOf": [{"pattern": "^\u00e9$"}, {"pattern": "^e\u0301$"}]}"#,
                ["\"\u{E9}\"", "\"e\u{301}\""], [#""e""#]
            ),
            (
                #"{"type": "object", "properties": {"\u00e9": {"type": "integer"}, "e\u0301": {"type": "string"}}, "required": ["\u00e9", "e\u0301"], "additionalProperties": false}"#,
                ["{\"\u{E9}\":1,\"e\u{301}\":\"a\"}"],
                ["{\"\u{E9}\":1}", "{\"e\u{301}\":\"a\"}", "{\"\u{E9}\":\"a\",\"e\u{301}\":1}"]
            ),
            (
                #"{"type": "object", "properties": {"\u00e9": {"type": "integer"}}, "required": ["\u00e9"], "unevaluatedProperties": false}"#,
                ["{\"\u{E9}\":1}"], ["{\"e\u{301}\":1}", "{\"\u{E9}\":1,\"e\u{301}\":1}"]
            ),
            (#"{"enum": ["a", 1], "type": "string"}"#, [#""a""#], ["1"]),
            (
                #"{"properties": {"a": {"type": "integer"}, "b": {}}, "required": ["b"], "additionalProperties": false}"#,
                [#"{"a":1,"b":2}"#, #"{"b":2}"#, "1"], [#"{"a":1}"#, #"{"b":1,"a":2}"#, #"{"b":1,"c":2}"#, "{}"]
            ),
            (
                #"{"type": "object", "properties": {"a": {"type": "integer"}}}"#,
                ["{}", #"{"a":1,"x":2}"#, #"{"x":2,"a":1}"#],
                [#"{"a":"s"}"#, #"{"x":2,"a":"s"}"#, #"{"a":1,"a":1}"#, #"{"\u0061":"s"}"#]
            ),
            (
                #"{"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 1, "maxProperties": 2}"#,
                [#"{"a":true}"#, #"{"a":true,"b":false}"#], ["{}", #"{"a":1}"#, #"{"a":true,"b":true,"c":true}"#]
            ),
            (
                #"{"type": "object", "patternProperties": {"^n_": {"type": "integer"}, "s$": {"minimum": 5}}, "additionalProperties": false}"#,
                [#"{"n_a":1}"#, #"{"n_s":5}"#, #"{"xs":"t"}"#], [#"{"n_s":4}"#, #"{"n_s":"t"}"#, #"{"x":1}"#]
            ),
            (#"{"type": "object", "propertyNames": {"maxLength": 2}}"#, [#"{"ab":1}"#, "{}"], [#"{"abc":1}"#]),
            (
                #"{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}"#, ["[1]", "[1,2,3]"],
                ["[]", "[1,2,3,4]", "[true]"]
            ),
            (
                #"{"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}], "items": false}"#,
                ["[]", #"["a"]"#, #"["a",null]"#], ["[1]", #"["a",null,1]"#]
            ),
            (
                #"{"items": [{"type": "string"}], "additionalItems": {"type": "integer"}}"#, [#"["a",1]"#],
                [#"["a","b"]"#]
            ),
            (
                #"{"type": "array", "contains": {"const": 1}, "maxContains": 2}"#, ["[1]", "[2,1,3,1]"],
                ["[]", "[2]", "[1,1,1]"]
            ),
            (
                #"{"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": true}"#, ["[]", "[1,2]", "[2,1]"],
                ["[1,1]", "[3]"]
            ),
            (
                #"{"type": "string", "minLength": 2, "maxLength": 3}"#,
                [#""ab""#, #""\n\"x""#, #""😀é""#, #""\ud83d\ude00a""#], [#""a""#, #""abcd""#, #""\ud83d""#]
            ),
            (#"{"type": "string", "pattern": "^a", "maxLength": 2}"#, [#""a""#, #""ab""#], [#""b""#, #""abc""#]),
            (
                #"{"allOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}], "type": "object"}"#,
                [#"{"a":1}"#], ["{}", #"{"a":"s"}"#]
            ),
            (
                #"{"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 1}]}"#, ["1", #""a""#],
                [#""ab""#, "null"]
            ),
            (#"{"oneOf": [{"type": "integer"}, {"minimum": 2}]}"#, ["1", "2.5", #""a""#], ["3", "1.5"]),
            (
                #"{"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
                [#"{"a":1}"#, #"{"b":1}"#, #"{"a":1,"x":2}"#], ["{}", #"{"a":1,"b":2}"#]
            ),
            (#"{"not": {"type": ["object", "array", "string"]}}"#, ["1", "null"], ["{}", "[]", #""a""#]),
            // A listed name that `propertyNames` refuses must exist so that the negated schema fails.
            (
                #"{"type": "object", "not": {"anyOf": [{"propertyNames": {"not": {"enum": ["a", "b"]}}}, {"propertyNames": {"not": {"enum": ["c", 1]}}}]}, "maxProperties": 2}"#,
                [#"{"a":1,"c":2}"#, #"{"b":1,"c":2}"#], [#"{"a":1,"b":2}"#, #"{"c":1}"#, #"{"a":1,"c":2,"d":3}"#, "1"]
            ),
            // A name that matches two contradicting patterns is not generated.
            (
                ##"{"type": "object", "patternProperties": {"a": {"$ref": "#/$defs/n"}, "b": {"not": {"$ref": "#/$defs/n"}}}, "not": {"patternProperties": {"a": {"not": {"$ref": "#/$defs/n"}}}}, "$defs": {"n": {"type": "number"}}}"##,
                [#"{"a":1}"#, #"{"b":"s","a":1}"#], ["{}", #"{"b":"s"}"#, #"{"a":"s"}"#, #"{"ab":1}"#]
            ),
            // Members come in the order of the keywords that name them.
            (
                ##"{"allOf": [{"properties": {"a": {}}}], "$ref": "#/$defs/b", "properties": {"c": {}}, "additionalProperties": false, "required": ["c"], "$defs": {"b": {"properties": {"b": {}}}}, "type": "object"}"##,
                [#"{"c":1}"#], [#"{"a":1,"c":1}"#]
            ),
            (
                #"{"allOf": [{"properties": {"a": {}}}], "properties": {"c": {}}, "required": ["a", "c"], "type": "object"}"#,
                [#"{"a":1,"c":2}"#], [#"{"c":2,"a":1}"#]
            ),
            (
                #"{"properties": {"c": {}}, "allOf": [{"properties": {"a": {}}}], "required": ["a", "c"], "type": "object"}"#,
                [#"{"c":2,"a":1}"#], [#"{"a":1,"c":2}"#]
            ),
            (#"{"type": "string", "not": {"enum": ["a", "b"]}}"#, [#""c""#, #""""#], [#""a""#, #""b""#]),
            (#"{"type": "object", "not": {"required": ["a"]}}"#, ["{}", #"{"b":1}"#], [#"{"a":1}"#]),
            (
                #"{"type": "object", "not": {"additionalProperties": {"type": "integer"}}}"#,
                [#"{"a":"s"}"#, #"{"b":1,"a":"s"}"#], ["{}", #"{"a":1}"#]
            ),
            (#"{"not": {"not": {"type": "integer"}}}"#, ["1"], [#""a""#]),
            (
                #"{"type": "object", "properties": {"k": {"enum": ["a", "b"]}}, "required": ["k"], "if": {"properties": {"k": {"const": "a"}}}, "then": {"required": ["x"]}, "else": {"required": ["y"]}}"#,
                [#"{"k":"a","x":1}"#, #"{"k":"b","y":1}"#], [#"{"k":"a","y":1}"#, #"{"k":"b","x":1}"#]
            ),
            (
                #"{"type": "object", "dependentRequired": {"a": ["b"]}}"#, ["{}", #"{"b":1}"#, #"{"a":1,"b":1}"#],
                [#"{"a":1}"#]
            ),
            (
                #"{"type": "object", "dependencies": {"a": {"required": ["b"]}}}"#, ["{}", #"{"a":1,"b":1}"#],
                [#"{"a":1}"#]
            ),
            (
                ##"{"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/n"}}, "additionalProperties": false}}}"##,
                [#"{"v":1,"next":{"v":2}}"#], [#"{"next":{"v":"x"}}"#]
            ),
            (
                ##"{"$id": "http://x.y/z", "$ref": "#here", "$defs": {"a": {"$anchor": "here", "type": "null"}}}"##,
                ["null"], ["1"]
            ),
            (#"{"$ref": "a%25b~1c", "definitions": {"q": {"$id": "a%25b~1c", "type": "null"}}}"#, ["null"], ["1"]),
            (
                #"{"type": "object", "allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}"#,
                [#"{"a":1}"#], [#"{"b":1}"#]
            ),
            (
                #"{"type": "array", "prefixItems": [true], "unevaluatedItems": {"type": "null"}}"#, ["[1,null]"],
                ["[1,2]"]
            ),
        ] as [(String, [String], [String])])
    func onlyWhatFulfilsTheSchemaIsWritten(schema: String, yes: [String], no: [String]) throws {
        let probe = try SchemaProbe(schema)
        for text in yes { #expect(probe.accepts(text), "\(text)") }
        for text in no { #expect(!probe.accepts(text), "\(text)") }
    }

    @Test(
        arguments: [
            (
                #"{"properties": {"a": {"not": {"uniqueItems": true}, "type": "array"}}}"#, "#/properties/a/not",
                "uniqueItems", SchemaError.Kind.unsupported
            ),
            (#"{"$ref": "http://other/"}"#, "#", "$ref", .unsupported),
            (#"{"pattern": "(?<=a)b"}"#, "#", "pattern", .unsupported),
            (#"{"type": "thing"}"#, "#", "type", .invalid), (#"{"required": "a"}"#, "#", "required", .invalid),
            (#"{"properties": {"a/b": 5}, "type": "object"}"#, "#/properties/a~1b", "properties", .invalid),
            (##"{"$ref": "#/nowhere"}"##, "#", "$ref", .invalid), (#"{"allOf": []}"#, "#", "allOf", .invalid),
            (##"{"$ref": "#"}"##, "#", "$ref", .unsatisfiable), (#"{"minLength": -1}"#, "#", "minLength", .invalid),
            (##"{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##, "#", "", .unsatisfiable),
            (#"{"type": "string", "enum": [1]}"#, "#", "", .unsatisfiable),
            (#"{"type": "string", "pattern": "^(?:(?:a|b)*a(?:a|b){30})$"}"#, "#", "pattern", .unsupported),
            (#"{"type": "object", "minProperties": 3}"#, "#", "minProperties", .unsupported), ("5", "#", "", .invalid),
        ] as [(String, String, String, SchemaError.Kind)])
    func whatCannotBeHonouredIsNamed(schema: String, pointer: String, keyword: String, kind: SchemaError.Kind) throws {
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(error?.pointer == pointer)
        #expect(error?.keyword == keyword)
        #expect(error?.kind == kind)
    }

    @Test func relaxedLeavesOutWhatCannotBeHonoured() throws {
        let probe = try SchemaProbe(
            #"{"type": "object", "properties": {"a": {"type": "array", "not": {"uniqueItems": true}}, "b": {"type": "string", "pattern": "(a)\\1"}}}"#,
            mode: .relaxed)
        #expect(probe.warnings.count == 2)
        #expect(probe.warnings.contains { $0.contains("'uniqueItems' at #/properties/a/not") })
        #expect(probe.accepts(#"{"a":[1,1],"b":"x"}"#) && probe.accepts(#"{"a":[1,2]}"#))
        #expect(!probe.accepts(#"{"a":1}"#))
    }

    /// A keyword inside of `not` or `if` is not dropped alone, since the schema would then admit less.
    @Test(
        arguments: [
            (#"{"not": {"type": "float"}}"#, "'not'"),
            (#"{"properties": {"not": {"not": {"pattern": "(a)\\1"}}}}"#, "'not'"),
            (#"{"if": {"pattern": "(a)\\1"}, "then": {"const": 1}}"#, "'if'"),
            (#"{"allOf": [{"not": {"anyOf": [{"required": true}, {"const": 5}]}}]}"#, "'not'"),
        ])
    func negationsAreLeftOutAsAWhole(schema: String, keyword: String) throws {
        let probe = try SchemaProbe(schema, mode: .relaxed)
        #expect(probe.warnings.count == 1 && probe.warnings[0].contains("The \(keyword) around it was left out."))
        for text in ["1", #""x""#, "5", #"{"not":"x"}"#] { #expect(probe.accepts(text), "\(text)") }
        #expect(SchemaOmissions.keyword(around: "#/properties/not/items") == nil)
    }

    @Test func whiteSpaceFollowsThePolicyAndIsBounded() throws {
        let schema = #"{"type": "object", "properties": {"a": {"type": "array"}, "b": {}}, "required": ["a", "b"]}"#
        let compact = #"{"a":[1,2],"b":{}}"#
        let spaced = #"{"a": [1, 2], "b": {}}"#
        let pretty = "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"
        let endless = "{\n" + String(repeating: " ", count: 41) + "\"a\": [], \"b\": 1}"
        for (spacing, accepted) in [
            (JSONSpacing.compact, [compact]), (.pretty, [pretty]), (.free, [compact, spaced, pretty]),
        ] {
            let probe = try SchemaProbe(schema, spacing: spacing)
            for text in [compact, spaced, pretty, endless] {
                #expect(probe.accepts(text) == accepted.contains(text), "\(spacing) \(text)")
            }
        }
    }

    @Test func anOtherMemberDoesNotDelayARequiredOne() throws {
        let schema = #"{"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]}"#
        #expect(!(try SchemaProbe(schema).accepts(#"{"x":1,"b":2}"#)))
        let open =
            #"{"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"], "additionalProperties": true}"#
        #expect(try SchemaProbe(open).accepts(#"{"x":1,"b":2}"#))
    }

    @Test func budgetsAreEnforced() throws {
        func deep(_ count: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: count) + "{}" + String(repeating: close, count: count)
        }
        for schema in [
            deep(120, #"{"items":["#, "]}"), deep(201, #"{"not":"#, "}"),
            #"{"enum": ["\#(String(repeating: "a", count: 1 << 20))"]}"#,
            "{\"anyOf\": [" + (0..<30_000).map { "{\"const\":\($0)}" }.joined(separator: ",") + "]}",
            "{\"allOf\": ["
                + (0..<12).map { "{\"anyOf\":[{\"required\":[\"a\($0)\"]},{\"required\":[\"b\($0)\"]}]}" }.joined(
                    separator: ",") + "]}",
            #"{"type": "object", "minProperties": 1000000000, "properties": {"a": {}}, "additionalProperties": false}"#,
        ] {
            #expect(throws: SchemaError.self, "\(schema.prefix(60))") { try SchemaProbe(schema) }
        }
    }

    @Test func definitionsThatNobodyUsesCannotBeAtFault() throws {
        #expect(try SchemaProbe(#"{"type": "null", "$defs": {"a": {"type": "thing"}}}"#).accepts("null"))
    }
}
