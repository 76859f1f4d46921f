import MartletGrammar
import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletSchema

/// Random small schemas of all keywords against all small documents: the grammar accepts no document that fails the
/// schema, and the evaluator of the sources agrees with the plain evaluator.
@Suite struct GeneratedSchemaTests {
    private static let scalars: [JSONValue] = [.null, true, false, 0, 1, -1, 2, 0.5, "", "a", "ab", "b"]
    /// Arrays of up to two scalars, objects of up to two members, and some that are nested.
    static let documents: [JSONValue] = {
        let few: [JSONValue] = [.null, 0, 1, "a", "ab"]
        var documents = scalars + [[], [:]]
        for first in few {
            documents += [[first], ["a": first], ["b": first], ["c": first]]
            for second in few {
                documents += [
                    [first, second], ["a": first, "b": second], ["a": first, "c": second], ["b": first, "c": second],
                ]
            }
        }
        documents += [[1, 1, 0], ["a", 1, .null], [[1]], [[], [:]], ["a": ["a": 1]], ["a": [1], "b": [:]]]
        documents += [["a": 1, "b": 1, "c": 1], ["a": 1, "b": "a", "c": .null]]
        return documents
    }()

    private struct SchemaGenerator {
        var random: SeededGenerator

        private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

        private mutating func scalar() -> JSONValue { scalars.randomElement(using: &random) ?? .null }

        private mutating func name() -> JSONValue { (["a", "b", "c"] as [JSONValue])[below(3)] }

        private mutating func schemas(_ depth: Int) -> JSONValue { .array((0...below(3)).map { _ in schema(depth) }) }

        mutating func schema(_ depth: Int) -> JSONValue {
            if below(12) == 0 { return .bool(below(3) > 0) }
            var keywords: JSONObject = [:]
            for _ in 0...below(3) { add(to: &keywords, depth) }
            return .object(keywords)
        }

        private mutating func add(to keywords: inout JSONObject, _ depth: Int) {
            let types: [JSONValue] = ["null", "boolean", "integer", "number", "string", "array", "object"]
            switch below(depth > 0 ? 20 : 9) {
            case 0, 1: keywords["type"] = types[below(7)]
            case 2: keywords["type"] = .array([types[below(7)], types[below(7)]])
            case 3: keywords["enum"] = .array((0...below(5)).map { _ in scalar() })
            case 4: keywords["const"] = [scalar(), scalar(), [1], ["a": 1]][below(4)]
            case 5:
                keywords[["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"][below(4)]] =
                    [0, 1, 0.5, -1][below(4)]
            case 6: keywords["multipleOf"] = [1, 2, 0.5][below(3)]
            case 7: keywords[["minLength", "maxLength"][below(2)]] = .integer(Int64(below(3)))
            case 8: keywords[["minItems", "maxItems", "maxProperties"][below(3)]] = .integer(Int64(below(3)))
            case 9, 10:
                let names = (0...below(3)).map { _ in name().stringValue ?? "" }
                var properties: JSONObject = [:]
                for name in names { properties[name] = schema(depth - 1) }
                keywords["properties"] = .object(properties)
            case 11: keywords["required"] = .array([name()])
            case 12: keywords["additionalProperties"] = schema(depth - 1)
            case 13: keywords["items"] = schema(depth - 1)
            case 14: keywords["prefixItems"] = schemas(depth - 1)
            case 15: keywords["contains"] = schema(depth - 1)
            case 16: keywords["not"] = schema(depth - 1)
            case 17:
                keywords["if"] = schema(depth - 1)
                keywords[["then", "else"][below(2)]] = schema(depth - 1)
            case 18: keywords["dependentRequired"] = .object([name().stringValue ?? "": .array([name()])])
            default: keywords[["allOf", "anyOf", "oneOf"][below(3)]] = schemas(depth - 1)
            }
        }
    }

    @Test(arguments: 0..<8) func nothingInvalidIsWritten(seed: UInt64) throws {
        var generator = SchemaGenerator(random: SeededGenerator(seed: 31 * seed + 5))
        var (compiled, valid, written) = (0, 0, 0)
        for _ in 0..<110 {
            let schema = generator.schema(2)
            let nodes = try SchemaParser.read(schema, limits: .standard)
            let evaluator = SchemaEvaluator(nodes: nodes, patterns: PatternTable())
            for document in Self.documents {
                let isValid = PlainEvaluator.isValid(document, schema)
                #expect(try evaluator.isValid(document, 0) == isValid, "\(document.text) of \(schema.text)")
            }
            let probe: SchemaProbe
            do {
                probe = try SchemaProbe(schema, spacing: .compact)
            } catch let error as SchemaError where error.kind == .unsatisfiable {
                // Then no document fulfils it.
                for document in Self.documents {
                    #expect(!PlainEvaluator.isValid(document, schema), "\(document.text) of \(schema.text)")
                }
                continue
            } catch let error as SchemaError where error.kind == .unsupported {
                continue
            }
            compiled += 1
            for document in Self.documents {
                let isWritten = probe.accepts(document.text)
                if PlainEvaluator.isValid(document, schema) {
                    valid += 1
                    if isWritten { written += 1 }
                } else {
                    #expect(!isWritten, "\(document.text) of \(schema.text)")
                }
            }
        }
        #expect(compiled > 60)
        // The grammar lacks other orders of members, and keywords that it cannot decide during generation.
        #expect(10 * written > 8 * valid, "\(written) of \(valid)")
    }

    /// A schema that strict mode accepts has the same grammar in relaxed mode.
    @Test func relaxedIsStrictWhereNothingIsLeftOut() throws {
        var generator = SchemaGenerator(random: SeededGenerator(seed: 77))
        var compared = 0
        for _ in 0..<80 {
            let schema = generator.schema(2)
            guard let strict = try? SchemaCompiler(mode: .strict).grammar(of: schema).grammar else { continue }
            let relaxed = try SchemaCompiler(mode: .relaxed).grammar(of: schema)
            #expect(relaxed.warnings == [] && relaxed.grammar == strict, "\(schema.text)")
            compared += 1
        }
        #expect(compared > 40)
    }

    /// Two equivalent forms of any schema accept the same documents.
    @Test(arguments: 0..<4) func formsOfOneSchemaMeanTheSame(seed: UInt64) throws {
        var generator = SchemaGenerator(random: SeededGenerator(seed: 900 + seed))
        for _ in 0..<40 {
            let (one, other) = (generator.schema(1), generator.schema(1))
            let pairs: [(JSONValue, JSONValue)] = [
                (one, ["allOf": [one]]), (one, ["anyOf": [one]]), (one, ["oneOf": [one]]), (one, ["not": ["not": one]]),
                (one, ["anyOf": [one, one]]), (one, ["allOf": [one, true]]), (one, ["anyOf": [one, false]]),
                (one, ["if": true, "then": one]), (one, ["if": false, "else": one]),
                (one, ["$ref": "#/$defs/one", "$defs": ["one": one]]),
                (["allOf": [one, other]], ["allOf": [other, one]]),
                (["anyOf": [one, other]], ["anyOf": [other, one]]),
                (["oneOf": [one, other]], ["oneOf": [other, one]]),
                (["not": ["anyOf": [one, other]]], ["allOf": [["not": one], ["not": other]]]),
                (["if": one, "then": other], ["anyOf": [["not": one], ["allOf": [one, other]]]]),
                (
                    ["oneOf": [one, other]],
                    ["anyOf": [["allOf": [one, ["not": other]]], ["allOf": [other, ["not": one]]]]]
                ),
            ]
            for (left, right) in pairs {
                let probes = [left, right].map { try? SchemaProbe($0, spacing: .compact) }
                for document in Self.documents {
                    let isValid = PlainEvaluator.isValid(document, left)
                    if right["$ref"] == nil { #expect(PlainEvaluator.isValid(document, right) == isValid) }
                    for probe in probes {
                        guard let probe, probe.accepts(document.text) else { continue }
                        #expect(isValid, "\(document.text) of \(left.text) and \(right.text)")
                    }
                }
                // Scalars have one spelling and no order, so that the two forms agree exactly.
                guard let first = probes[0], let second = probes[1] else { continue }
                for document in Self.scalars {
                    #expect(
                        first.accepts(document.text) == second.accepts(document.text),
                        "\(document.text) of \(right.text)")
                }
            }
        }
    }
}
