import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

/// Keywords that relaxed mode drops as a whole, since a part of them cannot be enforced.
@Suite struct DroppedAlternativesTests {
    /// A listed object would have to be excluded from another alternative of the `oneOf`.
    @Test(
        arguments: [
            (#"{"oneOf": [{"const": {"a": 1}}, {"type": "object"}]}"#, "#"),
            (#"{"oneOf": [{"const": {"a": 1}}, {"enum": [{"b": 2}, {}]}, {"type": "object"}]}"#, "#"),
            (#"{"oneOf": [{"enum": [[1], "x"]}, {"type": "array"}]}"#, "#"),
            (#"{"oneOf": [{"type": "object", "required": ["a"]}, {"const": {"a": 1}, "type": "object"}]}"#, "#"),
            (##"{"oneOf": [{"$ref": "#/$defs/c"}, {"type": "object"}], "$defs": {"c": {"const": {"a": 1}}}}"##, "#"),
            (#"{"oneOf": [{"allOf": [{"const": {"a": 1}}]}, {"type": "object"}]}"#, "#"),
            (#"{"anyOf": [{"oneOf": [{"const": {"a": 1}}, {"type": "object"}]}, {"type": "array"}]}"#, "#/anyOf/0"),
        ])
    func aOneOfWithListedObjectsIsDroppedAsAWhole(schema: String, pointer: String) throws {
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(error?.kind == .unsupported && error?.keyword == "oneOf" && error?.pointer == pointer)
        let probe = try SchemaProbe(schema, mode: .relaxed)
        #expect(probe.warnings.count == 1 && probe.warnings[0].contains("'oneOf' at \(pointer): listed "))
        for text in [#"{"a":1}"#, #"{"b":2}"#, "{}", "[1]"] { #expect(probe.accepts(text), "\(text)") }
    }

    /// The other keywords of the schema apply, as do alternatives that can be kept apart.
    @Test func otherKeywordsStayAndDisjointAlternativesAreEnforced() throws {
        let probe = try SchemaProbe(
            #"{"type": "object", "required": ["a"], "oneOf": [{"const": {"a": 1}}, {"minProperties": 1}]}"#,
            mode: .relaxed)
        #expect(probe.warnings.count == 1 && probe.accepts(#"{"a":2}"#))
        #expect(!probe.accepts("{}") && !probe.accepts("1"))
        for mode in SchemaMode.allCases {
            let disjoint = try SchemaProbe(
                #"{"oneOf": [{"const": {"k": 1}}, {"type": "object", "properties": {"k": {"const": 2}}, "required": ["k"]}, {"type": "array"}]}"#,
                mode: mode)
            #expect(disjoint.warnings.isEmpty)
            for text in [#"{"k":1}"#, #"{"k":2}"#, "[]"] { #expect(disjoint.accepts(text), "\(text)") }
            for text in [#"{"k":3}"#, "{}", "1"] { #expect(!disjoint.accepts(text), "\(text)") }
        }
    }

    /// Inside of a negation the negation is dropped.
    @Test(arguments: [
        #"{"not": {"enum": [{"a": 1}]}}"#, #"{"not": {"anyOf": [{"const": [1]}, {"type": "null"}]}}"#,
        #"{"if": {"const": {"a": 1}}, "then": true, "else": {"type": "object"}}"#,
    ])
    func listedObjectsInsideOfANegationDropTheNegation(schema: String) throws {
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(error?.kind == .unsupported && error?.keyword == "enum")
        let probe = try SchemaProbe(schema, mode: .relaxed)
        #expect(probe.warnings.count == 1 && probe.warnings[0].contains("around it was left out."))
        for text in [#"{"a":1}"#, "[1]", "2"] { #expect(probe.accepts(text), "\(text)") }
    }

    /// Values at the root of a tool's parameters must include an object.
    @Test(
        arguments: [
            (#"{"enum": ["a", 1]}"#, ["enum"]), (#"{"enum": [[{}]]}"#, ["enum"]), (#"{"const": null}"#, ["const"]),
            (#"{"const": "a", "enum": ["a"]}"#, ["enum", "const"]),
            (#"{"type": "string", "enum": ["a"]}"#, ["type", "enum"]),
        ])
    func listedArgumentsWithoutObjectsAreDropped(schema: String, keywords: [String]) throws {
        let schema = try JSONParser.parse(Array(schema.utf8))
        func compile(_ mode: SchemaMode) throws -> (Grammar, [String]) {
            var builder = GrammarBuilder()
            let compiled = try SchemaCompiler(mode: mode).compileArguments(
                schema, as: .json, isClosed: false, in: &builder)
            let root = builder.rule(named: "root")
            builder.define(root, as: compiled.node)
            return (try builder.finish(root: root), compiled.warnings)
        }
        let error = #expect(throws: SchemaError.self) { try compile(.strict) }
        #expect(error?.kind == .invalid && error?.pointer == "#" && error?.keyword == keywords[0])
        #expect(error?.reason == "the arguments of a tool call are an object")
        let (grammar, warnings) = try compile(.relaxed)
        #expect(warnings.count == keywords.count)
        for (warning, keyword) in zip(warnings, keywords) { #expect(warning.contains("'\(keyword)' at #: ")) }
        #expect(grammar.matches(Array(#"{"x":1}"#.utf8)) && grammar.matches(Array("{}".utf8)))
    }

    /// A list with an object among other values is enforced.
    @Test func listedArgumentsWithAnObjectAreEnforced() throws {
        for mode in SchemaMode.allCases {
            var builder = GrammarBuilder()
            let compiled = try SchemaCompiler(mode: mode).compileArguments(
                ["enum": [1, ["a": 1], "x"]], as: .json, isClosed: false, in: &builder)
            let root = builder.rule(named: "root")
            builder.define(root, as: compiled.node)
            let grammar = try builder.finish(root: root)
            #expect(compiled.warnings.isEmpty && grammar.matches(Array(#"{"a":1}"#.utf8)))
            #expect(!grammar.matches(Array("{}".utf8)) && !grammar.matches(Array("1".utf8)))
        }
    }

    /// Errors as clients read them: keyword, pointer, rule and value.
    @Test(
        arguments: [
            (#"{"minLength": "1"}"#, "'minLength' at #: the value must be a whole number that is not negative."),
            (#"{"pattern": 5}"#, "'pattern' at #: the value must be a string, but is an integer."),
            (#"{"required": {}}"#, "'required' at #: the value must be an array of strings, but is an object."),
            (#"{"required": [null]}"#, "'required' at #: the value must be an array of strings, but is null."),
            (#"{"multipleOf": 0}"#, "'multipleOf' at #: the value must be above 0."),
            (#"{"anyOf": []}"#, "'anyOf' at #: the array must have at least one schema."),
            (#"{"type": []}"#, "'type' at #: the array must have at least one type."),
            (#"{"type": "float"}"#, "'type' at #: there is no type 'float'."),
            (#"{"items": {"minItems": 2000000}}"#, "'minItems' at #/items: the value must be at most 1000000."),
            (
                #"{"properties": {"a~/": 1}}"#,
                "'properties' at #/properties/a~0~1: a schema is an object or a boolean, not an integer."
            ),
            (##"{"$ref": "#"}"##, "'$ref' at #: the schema applies itself to the same value."),
            (#"{"$ref": "a.json"}"#, "'$ref' at #: it refers to another document, 'a.json'."),
            (#"{"type": "string", "const": 1}"#, "The schema at #: no finite value fulfils it."),
        ])
    func errorsNameKeywordPointerAndRule(schema: String, description: String) {
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(error?.description == description)
    }
}
