import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

/// Alternatives that only list values are joined into one list.
@Suite struct ListedAlternativesTests {
    private static let count = 4_096
    private static let constants = (0..<count).map { ["const": .string("item \($0)")] as JSONValue }
    private static let pairs = (0..<count / 2).map { index in
        ["enum": [.string("item \(2 * index)"), .string("item \(2 * index + 1)")], "title": "A pair."] as JSONValue
    }

    /// Each schema lists `item 0` to `item 4095`.
    private static let lists: [(String, JSONValue)] = [
        ("anyOf of const", ["anyOf": .array(constants)]),
        ("oneOf of const", ["oneOf": .array(constants)]),
        ("anyOf of enum", ["anyOf": .array(pairs)]),
        ("oneOf of enum", ["oneOf": .array(pairs)]),
        ("with a type around", ["type": "string", "anyOf": .array(constants)]),
        ("nested", ["anyOf": [["anyOf": .array(Array(constants[..<9]))], ["oneOf": .array(Array(constants[9...]))]]]),
        (
            "by reference",
            [
                "oneOf": [["$ref": "#/$defs/few"], ["$ref": "#/$defs/many"]],
                "$defs": [
                    "few": ["anyOf": .array(Array(constants[..<9]))], "many": ["anyOf": .array(Array(constants[9...]))],
                ],
            ]
        ),
        (
            "with types",
            ["anyOf": .array(constants.map { ["type": "string", "const": $0["const"] ?? .null, "description": "x"] })]
        ),
    ]

    @Test(arguments: lists.indices, [SchemaMode.strict, .relaxed])
    func thousandsOfConstantsAreAnEnum(index: Int, mode: SchemaMode) throws {
        let (compiled, warnings) = try SchemaCompiler(mode: mode).grammar(of: Self.lists[index].1)
        #expect(warnings == [])
        let values = (0..<Self.count).map { JSONValue.string("item \($0)") }
        #expect(try compiled.encoded() == SchemaCompiler().grammar(of: ["enum": .array(values)]).grammar.encoded())
    }

    @Test func thousandsOfConstantsStandBesideOtherTypes() throws {
        for keyword in ["anyOf", "oneOf"] {
            let others: [JSONValue] = [["type": "integer"], ["type": "array", "items": ["type": "null"]]]
            let probe = try SchemaProbe(.object([keyword: .array([others[0]] + Self.constants + [others[1]])]))
            for text in [#""item 0""#, #""item 4095""#, "17", "[null,null]"] { #expect(probe.accepts(text), "\(text)") }
            for text in [#""item 4096""#, #""17""#, "1.5", "[1]", "null", "{}"] {
                #expect(!probe.accepts(text), "\(text)")
            }
        }
    }

    @Test func thousandsOfConstantsAreExcluded() throws {
        let probe = try SchemaProbe([
            "type": ["string", "null"], "not": ["anyOf": .array(Array(Self.constants[..<600]))],
        ])
        for text in [#""item 600""#, #""item""#, #""""#, "null"] { #expect(probe.accepts(text), "\(text)") }
        for text in [#""item 0""#, #""item 599""#, "1"] { #expect(!probe.accepts(text), "\(text)") }
    }

    @Test(
        arguments: [
            // A value in two alternatives never fulfils exactly one.
            (#"{"oneOf": [{"const": 1}, {"const": 2}, {"const": 1}]}"#, ["2"], ["1", "3"]),
            (
                #"{"oneOf": [{"const": 1}, {"const": 1.0}, {"enum": [2, 3]}, {"enum": [3, 4]}]}"#, ["2", "4"],
                ["1", "3"]
            ),
            // A value that one alternative lists twice counts once.
            (#"{"oneOf": [{"enum": [1, 1, 2]}, {"const": 3}]}"#, ["1", "2", "3"], ["4"]),
            // Next to an alternative with a type: values that are listed once and have that type, and values that are
            // listed twice.
            (#"{"oneOf": [{"const": 1}, {"const": "a"}, {"type": "integer"}]}"#, [#""a""#, "2"], ["1", #""b""#]),
            (
                #"{"oneOf": [{"const": 1}, {"const": 1}, {"const": "a"}, {"const": "a"}, {"const": "b"}, {"type": "integer"}]}"#,
                [#""b""#, "2"], ["1", #""a""#]
            ),
            (
                #"{"anyOf": [{"const": 1}, {"const": 1}, {"const": "a"}, {"type": "null"}]}"#, ["1", #""a""#, "null"],
                ["2"]
            ),
            (
                #"{"anyOf": [{"const": {"a": 1}}, {"const": [1, "b"]}, {"const": true}, {"const": null}, {"enum": ["x"]}]}"#,
                [#"{"a":1}"#, #"[1,"b"]"#, "true", "null", #""x""#], [#"{"a":2}"#, "[1]", "false", #""y""#, "{}"]
            ),
            (
                #"{"oneOf": [{"const": {"a": 1, "b": 2}}, {"const": {"b": 2, "a": 1}}, {"const": {"c": 3}}]}"#,
                [#"{"c":3}"#], [#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#]
            ),
            // Other keywords of a list apply to its values.
            (
                #"{"anyOf": [{"enum": ["a", "bcd", 5], "maxLength": 1}, {"enum": ["e", 7], "type": "string"}]}"#,
                [#""a""#, "5", #""e""#], [#""bcd""#, "7"]
            ),
            (#"{"anyOf": [{"const": "a"}, {"const": "b"}], "enum": ["b", "c"]}"#, [#""b""#], [#""a""#, #""c""#]),
            (#"{"anyOf": [{"const": 1}, {"const": 2}], "oneOf": [{"const": 2}, {"const": 3}]}"#, ["2"], ["1", "3"]),
            (#"{"anyOf": [{"const": 1}, {"const": 2}], "minimum": 2}"#, ["2"], ["1"]),
            (
                #"{"anyOf": [{"const": 1}, {"const": 2}, {"type": "string"}], "not": {"const": 2}}"#, ["1", #""x""#],
                ["2"]
            ),
            (#"{"not": {"oneOf": [{"const": 1}, {"const": 1}, {"const": 2}]}, "type": "integer"}"#, ["1", "3"], ["2"]),
            // Lists of objects and arrays with constraints on their parts are not joined.
            (
                #"{"anyOf": [{"const": {"a": 1}, "properties": {"a": true}}, {"const": {"b": 1}}], "unevaluatedProperties": false}"#,
                [#"{"a":1}"#], [#"{"b":1}"#, "{}"]
            ),
            (
                #"{"properties": {"k": {"anyOf": [{"const": "a"}, {"const": "b"}]}}, "required": ["k"], "type": "object"}"#,
                [#"{"k":"a"}"#, #"{"k":"b","x":1}"#], [#"{"k":"c"}"#, "{}"]
            ),
        ] as [(String, [String], [String])])
    func listsMeanWhatTheirAlternativesDo(schema: String, yes: [String], no: [String]) throws {
        let probe = try SchemaProbe(schema)
        for text in yes { #expect(probe.accepts(text), "\(text)") }
        for text in no { #expect(!probe.accepts(text), "\(text)") }
    }

    @Test(
        arguments: [
            (#"{"oneOf": [{"const": 1}, {"const": 1}]}"#, SchemaError.Kind.unsatisfiable),
            (#"{"anyOf": [{"const": 1, "type": "string"}, {"enum": [2], "minimum": 3}]}"#, .unsatisfiable),
            (#"{"anyOf": [{"const": 1}, {"enum": []}]}"#, .invalid),
            (#"{"anyOf": [{"const": 1}, {"const": 2, "type": "number of"}]}"#, .invalid),
            (##"{"anyOf": [{"const": 1}, {"$ref": "#"}]}"##, .unsatisfiable),
        ] as [(String, SchemaError.Kind)])
    func listsAtFaultAreRefused(schema: String, kind: SchemaError.Kind) {
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(error?.kind == kind, "\(String(describing: error))")
    }

    /// The size of nested lists does not grow with the number of paths to them.
    @Test func listsByManyReferencesStaySmall() throws {
        var definitions: JSONObject = ["list0": ["enum": .array((0..<200).map { .integer($0) })]]
        for level in 1...12 {
            definitions["list\(level)"] = [
                "anyOf": .array(Array(repeating: ["$ref": .string("#/$defs/list\(level - 1)")], count: 4))
            ]
        }
        let probe = try SchemaProbe(["$ref": "#/$defs/list12", "$defs": .object(definitions)])
        #expect(probe.accepts("199") && !probe.accepts("200"))
        #expect(try probe.grammar == SchemaProbe(["enum": .array((0..<200).map { .integer($0) })]).grammar)
    }
}
