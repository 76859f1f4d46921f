import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

/// The targets of references, and the pointers of the schemas that they name.
@Suite struct SchemaResourcesTests {
    private static let document = ##"""
        {
          "$id": "http://x.y/root/main",
          "$defs": {
            "plain": {"type": "null"},
            "a/b~c%d \"é\"": {"type": "null"},
            "anchored": {"$anchor": "here", "type": "null"},
            "inner": {"$id": "other", "$anchor": "there", "$defs": {"deep": {"type": "null"}}},
            "moved": {"$id": "/top", "items": [{"type": "null"}, {"type": "string"}]},
            "dynamic": {"$dynamicAnchor": "one", "type": "null"}
          },
          "properties": {"$id": {"type": "null"}, "enum": {"type": "null"}},
          "default": {"$id": "http://not.a/schema"},
          "enum": [{"$anchor": "notHere"}]
        }
        """##

    private func resources() throws -> SchemaResources {
        try SchemaResources(JSONParser.parse(Array(Self.document.utf8)), depthLimit: 50)
    }

    @Test(
        arguments: [
            ("#", "#"), ("", "#"), ("http://x.y/root/main", "#"), ("main#", "#"), ("#/$defs/plain", "#/$defs/plain"),
            ("main#/$defs/plain", "#/$defs/plain"), ("http://x.y/root/main#/$defs/plain", "#/$defs/plain"),
            ("#/$defs/a~1b~0c%25d%20%22%C3%A9%22", "#/$defs/a~1b~0c%d \"é\""), ("#here", "#/$defs/anchored"),
            ("other", "#/$defs/inner"), ("./other#", "#/$defs/inner"), ("other#there", "#/$defs/inner"),
            ("other#/$defs/deep", "#/$defs/inner/$defs/deep"), ("../top", "#/$defs/moved"),
            ("/top#/items/1", "#/$defs/moved/items/1"), ("#one", "#/$defs/dynamic"),
            // Free names are no keywords.
            ("#/properties/$id", "#/properties/$id"), ("#/properties/enum", "#/properties/enum"),
        ])
    func referencesLeadToTheirSchema(reference: String, pointer: String) throws {
        #expect(try resources().resolve(reference, "$ref", from: "#").pointer == pointer)
        // The same references from a schema without a base of its own.
        #expect(try resources().resolve(reference, "$ref", from: "#/$defs/plain").pointer == pointer)
    }

    @Test(
        arguments: [
            ("#", "#/$defs/inner"), ("#there", "#/$defs/inner"), ("#/$defs/deep", "#/$defs/inner/$defs/deep"),
            ("main#here", "#/$defs/anchored"), ("main", "#"), ("../top", "#/$defs/moved"),
        ])
    func referencesStartWhereTheyStand(reference: String, pointer: String) throws {
        for place in ["#/$defs/inner", "#/$defs/inner/$defs/deep"] {
            #expect(try resources().resolve(reference, "$ref", from: place).pointer == pointer)
        }
    }

    @Test(
        arguments: [
            ("#/$defs/none", SchemaError.Kind.invalid), ("#/$defs/plain/type/x", .invalid), ("#none", .invalid),
            ("#notHere", .invalid), ("#/enum/7", .invalid), ("#/$defs/moved/items/x", .invalid),
            ("nowhere", .unsupported), ("http://not.a/schema", .unsupported), ("urn:x:y", .unsupported),
            ("http://x.z/root/main", .unsupported),
        ] as [(String, SchemaError.Kind)])
    func referencesToNothingAreNamed(reference: String, kind: SchemaError.Kind) throws {
        let error = #expect(throws: SchemaError.self) { try resources().resolve(reference, "$ref", from: "#/a") }
        #expect(error?.kind == kind && error?.pointer == "#/a" && error?.keyword == "$ref")
    }

    @Test(
        arguments: [
            ("a", "#/a"), ("", "#/"), ("a/b", "#/a~1b"), ("~", "#/~0"), ("~1", "#/~01"), ("é\u{301}", "#/é\u{301}"),
            ("%", "#/%"), ("0", "#/0"),
        ])
    func partsOfPointersAreEscaped(part: String, pointer: String) {
        #expect(SchemaResources.pointer("#", part) == pointer)
        #expect(SchemaResources.unescaped(String(pointer.dropFirst(2))) == part)
    }

    @Test(
        arguments: [
            ("http://json-schema.org/draft-04/schema#", true), ("http://json-schema.org/draft-06/schema#", true),
            ("http://json-schema.org/draft-07/schema#", true), ("https://json-schema.org/draft/2019-09/schema", false),
            ("https://json-schema.org/draft/2020-12/schema", false), ("", false),
        ])
    func siblingsOfReferencesMeanNothingInOldDrafts(draft: String, areHidden: Bool) throws {
        #expect(SchemaResources.referenceHidesSiblings(in: ["$schema": .string(draft)]) == areHidden)
        // The reference applies in both drafts.
        let probe = try SchemaProbe([
            "$schema": .string(draft), "$ref": "#/$defs/n", "$defs": ["n": ["type": "integer"]],
        ])
        #expect(probe.accepts("1") && !probe.accepts("null"))
    }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int) -> JSONValue {
            (0..<depth).reduce(["type": "null"]) { inner, _ in ["not": inner] }
        }
        _ = try SchemaResources(nested(20), depthLimit: 22)
        let error = #expect(throws: SchemaError.self) { try SchemaResources(nested(40), depthLimit: 22) }
        #expect(error?.kind == .limit && error?.reason.contains("22") == true)
    }

    // MARK: Sizes and budgets

    @Test func sizesOfSchemasAddUp() throws {
        let limits = SchemaLimits(bytes: 1_000, nodes: 50)
        var size = SchemaSize()
        for count in 1...5 {
            try size.add(["enum": .array(Array(repeating: 1, count: 15)), "a": [:]], limits: limits)
            #expect(size.values == 17 * count)
        }
        let error = #expect(throws: SchemaError.self) {
            try size.add(["enum": .array(Array(repeating: 1, count: 15))], limits: limits)
        }
        #expect(error?.kind == .limit && error?.reason.contains("100 members and elements") == true)
        var bytes = SchemaSize()
        let long = #expect(throws: SchemaError.self) {
            try bytes.add(["const": .string(String(repeating: "x", count: 1_000))], limits: limits)
        }
        #expect(long?.kind == .limit && long?.reason.contains("1000 bytes") == true)
    }

    @Test func budgetsAreSharedAndNamed() throws {
        let whole = CompileBudget(limit: 100, for: "all tools take")
        let first = CompileBudget(limit: 60, within: whole)
        let second = CompileBudget(limit: 60, within: whole)
        #expect(first.spend(60) && first.left == 0 && second.left == 40)
        #expect(!first.spend(1) && first.reason == "the schema takes more than 60 steps to compile")
        #expect(second.spend(39) && second.left == 0)
        #expect(!second.spend(1) && second.reason == "all tools take more than 100 steps to compile")
        #expect(whole.usedSteps == 101 && whole.left == 0)
        let tables = CompileBudget(limit: 10)
        try tables.allow(transitions: 320)
        #expect(throws: RegexError.self) { try tables.allow(transitions: 352) }
        #expect(tables.usedSteps == 0)
        try tables.spend(transitions: 64)
        #expect(tables.usedSteps == 2 && tables.left == 8)
        #expect(throws: RegexError.self) { try tables.spend(transitions: 320) }
    }
}
