import MartletJSON
import Testing

@testable import MartletSchema

/// The types of a value that follow from its location alone.
@Suite struct SchemaLocationTests {
    private func location(_ schema: String) throws -> SchemaLocation {
        SchemaLocation(root: try JSONParser.parse(Array(schema.utf8)))
    }

    @Test func schemasAreFoundThroughReferencesAndCombinations() throws {
        let root = try location(
            """
            {"properties": {"a": {"$ref": "#/$defs/a"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]},
                            "c": {"allOf": [{"minProperties": 1}, {"$ref": "#/$defs/a"}]},
                            "d": {"prefixItems": [{"type": "null"}], "items": {"type": "string"}}},
             "$defs": {"a": {"type": "object", "properties": {"x": {"type": "string"},
                                                              "y": {"items": {"enum": [1, "1"]}}}}}}
            """)
        for key in ["a", "b", "c"] {
            #expect(root.member(key).member("x").types == .string)
            #expect(root.member(key).member("x") == root.member("a").member("x"))
            #expect(root.member(key).member("y").item.types == [.string, .integer])
            #expect(root.member(key).member("z") == .unknown)
        }
        #expect(root.member("b").types == [.object, .null])
        #expect(root.member("d").item.types == .all)
    }

    @Test func differentAlternativesDetermineNoType() throws {
        let root = try location(
            """
            {"anyOf": [{"properties": {"x": {"type": "string"}}}, {"properties": {"x": {"type": "integer"}}}]}
            """)
        #expect(root.member("x") == .unknown)
        // In older drafts, `$ref` hides its sibling keywords.
        let old = try location(
            """
            {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {
             "x": {"$ref": "#/definitions/n", "type": "string"}}, "definitions": {"n": {"type": "number"}}}
            """)
        #expect(old.member("x").types == .number)
    }

    /// Each schema refers to eight others, so that visiting all of them would never end.
    @Test func visitedSchemasAreBounded() throws {
        let defs = (0..<40).map { number in
            let next = ##"{"$ref": "#/$defs/\##(number + 1)"}"##
            return #""\#(number)": {"anyOf": [\#([String](repeating: next, count: 8).joined(separator: ","))]}"#
        }
        let root = try location(
            ##"{"$ref": "#/$defs/0", "$defs": {\##(defs.joined(separator: ",")), "40": {"type": "string"}}}"##)
        #expect(root.types == .all)
        #expect(root.member("x") == .unknown)
    }
}
