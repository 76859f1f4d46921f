import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

/// Keywords with malformed values are named in strict mode and dropped in relaxed mode.
@Suite struct MalformedKeywordTests {
    private static let samples: [JSONValue] = [.null, true, 1, -1, 1.5, "x", [], ["x"], [1], [:], ["a": 1], ["a": "b"]]

    /// Each keyword, with a predicate for the samples that are valid values of it.
    private static let keywords: [(keyword: String, accepts: @Sendable (JSONValue) -> Bool)] = {
        @Sendable func isSchema(_ value: JSONValue) -> Bool { value.objectValue != nil || value.boolValue != nil }
        @Sendable func holdsSchemas(_ value: JSONValue) -> Bool {
            value.objectValue?.allSatisfy { isSchema($0.value) } ?? false
        }
        @Sendable func isCount(_ value: JSONValue) -> Bool { value == 1 }
        @Sendable func isNumber(_ value: JSONValue) -> Bool { value.doubleValue != nil }
        @Sendable func areStrings(_ value: JSONValue) -> Bool { value == [] || value == ["x"] }
        var all: [(String, @Sendable (JSONValue) -> Bool)] = [
            ("type", { _ in false }), ("enum", { ($0.arrayValue ?? []).isEmpty == false }), ("required", areStrings),
            ("uniqueItems", { $0.boolValue != nil }), ("multipleOf", { $0 == 1 || $0 == 1.5 }),
            ("pattern", { $0 == "x" }),
            ("format", { $0.stringValue != nil }),
            ("exclusiveMinimum", { isNumber($0) || $0.boolValue != nil }),
            ("exclusiveMaximum", { isNumber($0) || $0.boolValue != nil }),
            ("dependentRequired", { $0 == [:] }), ("dependencies", { $0 == [:] || $0 == ["a": "b"] }),
            ("items", { isSchema($0) || $0 == [] }), ("$ref", { $0 == "x" }), ("$dynamicRef", { $0 == "x" }),
        ]
        for keyword in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"] {
            all.append((keyword, isCount))
        }
        for keyword in ["minimum", "maximum"] { all.append((keyword, isNumber)) }
        for keyword in ["properties", "patternProperties", "dependentSchemas"] { all.append((keyword, holdsSchemas)) }
        for keyword in [
            "additionalProperties", "propertyNames", "unevaluatedProperties", "contains", "unevaluatedItems", "not",
            "if",
        ] { all.append((keyword, isSchema)) }
        for keyword in ["allOf", "anyOf", "oneOf"] { all.append((keyword, { _ in false })) }
        all.append(("prefixItems", { $0 == [] }))
        return all
    }()

    @Test func everyKeywordIsNamedOrLeftOut() throws {
        var checked = 0
        for (keyword, accepts) in Self.keywords {
            for value in Self.samples where !accepts(value) {
                checked += 1
                let label = Comment(rawValue: "\(keyword): \(value.text)")
                let own: JSONValue = .object([keyword: value])
                // At the root and within a member.
                for (schema, pointer) in [
                    (own, "#"), (["type": "object", "properties": ["m": own]], "#/properties/m"),
                ] {
                    let error = #expect(throws: SchemaError.self, label) { try SchemaProbe(schema) }
                    #expect(error?.keyword == keyword && error?.pointer.hasPrefix(pointer) == true, label)
                    #expect(error?.kind == .invalid, label)
                    let probe = try SchemaProbe(schema, mode: .relaxed)
                    #expect(probe.warnings.count == 1, label)
                    #expect(probe.warnings.first?.contains("'\(keyword)' at \(pointer)") == true, label)
                    // No other keyword constrains the value.
                    for text in ["1", #""s""#, "[1,1]", "null", #"{"a":1}"#] {
                        #expect(probe.accepts(pointer == "#" ? text : #"{"m":\#(text)}"#), "\(label) \(text)")
                    }
                }
            }
        }
        #expect(checked > 250)
    }

    @Test(
        arguments: [
            (#"{"type": "float"}"#, "type"), (#"{"type": ["string", "float"]}"#, "type"),
            (#"{"minLength": "1"}"#, "minLength"),
            (#"{"multipleOf": 0}"#, "multipleOf"), (##"{"$ref": "#/nowhere"}"##, "$ref"),
            (#"{"$ref": "other.json"}"#, "$ref"),
            (#"{"pattern": "("}"#, "pattern"), (#"{"pattern": "(?<=a)b"}"#, "pattern"),
            (#"{"minItems": 2000000}"#, "minItems"),
            (#"{"patternProperties": {"(": {}}}"#, "patternProperties"),
            (#"{"dependentRequired": {"a": ["b"], "c": 5, "d": 6}}"#, "dependentRequired"),
        ])
    func valuesThatMeanNothingAreLeftOut(schema: String, keyword: String) throws {
        let error = #expect(throws: SchemaError.self) { try SchemaProbe(schema) }
        #expect(error?.keyword == keyword)
        let probe = try SchemaProbe(schema, mode: .relaxed)
        #expect(probe.warnings.count == 1 && probe.warnings.first?.contains("'\(keyword)'") == true)
        for text in ["1", #""""#, "[]", #"{"a":1}"#] { #expect(probe.accepts(text), "\(text)") }
    }

    /// The other keywords of a schema apply although one of them is dropped.
    @Test func remainingKeywordsAreEnforced() throws {
        let probe = try SchemaProbe(
            #"{"type": "object", "properties": {"a": {"type": "integer", "required": true, "minimum": null, "maximum": 5}, "b": 7}, "required": null, "additionalProperties": false}"#,
            mode: .relaxed)
        #expect(probe.warnings.count == 4)
        for text in ["{}", #"{"a":5}"#, #"{"a":1,"b":[]}"#] { #expect(probe.accepts(text), "\(text)") }
        for text in [#"{"a":6}"#, #"{"a":"x"}"#, #"{"c":1}"#] { #expect(!probe.accepts(text), "\(text)") }
        // The whole keyword is dropped: an unknown alternative does not make the others wrong.
        let choice = try SchemaProbe(#"{"type": "integer", "oneOf": [{"const": 1}, null]}"#, mode: .relaxed)
        #expect(choice.warnings.count == 1)
        #expect(choice.accepts("2") && !choice.accepts("null"))
    }

    @Test func whatIsNoSchemaAtAllIsRefused() {
        for schema in ["5", "null", #""x""#, "[]"] {
            #expect(throws: SchemaError.self) { try SchemaProbe(schema, mode: .relaxed) }
        }
    }

    /// A schema with a hundred patterns that are too expensive is compiled without them.
    @Test func manyCostlyPatternsAreLeftOutTogether() throws {
        let members = (0..<100).map { number -> (String, JSONValue) in
            ("k\(number)", ["type": "string", "pattern": .string("^(a|b)*a(a|b){9}\(number)$")])
        }
        let schema: JSONValue = ["type": "object", "properties": .object(JSONObject(uniqueKeysWithValues: members))]
        let budget = CompileBudget()
        let probe = try SchemaProbe(schema, mode: .relaxed, budget: budget)
        #expect(probe.warnings.count > 20)
        #expect(budget.usedSteps <= SchemaLimits.standard.work)
        #expect(probe.accepts("{}") && !probe.accepts(#"{"k99":1}"#))
    }
}

/// The root of a tool's parameters describes an object.
@Suite struct ArgumentTypeTests {
    private func compile(_ schema: JSONValue, _ mode: SchemaMode) throws -> [String] {
        var builder = GrammarBuilder()
        return try SchemaCompiler(mode: mode).compileArguments(schema, as: .json, isClosed: false, in: &builder)
            .warnings
    }

    @Test(arguments: ["string", [], ["string", "null"], "array", .null, 5, "float", [5]] as [JSONValue])
    func aTypeWithoutObjectsIsNamedOrLeftOut(type: JSONValue) throws {
        let schema: JSONValue = ["type": type, "properties": ["a": ["type": "integer"]]]
        let error = #expect(throws: SchemaError.self) { try compile(schema, .strict) }
        #expect(error?.pointer == "#" && error?.keyword == "type")
        let warnings = try compile(schema, .relaxed)
        #expect(warnings.count == 1 && warnings[0].contains("'type' at #"))
    }

    @Test(arguments: ["object", ["object", "null"], "any"] as [JSONValue])
    func aTypeWithObjectsIsTaken(type: JSONValue) throws {
        for mode in [SchemaMode.strict, .relaxed] { #expect(try compile(["type": type], mode).isEmpty) }
    }
}
