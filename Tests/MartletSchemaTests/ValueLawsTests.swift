import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletSchema

/// Equality of values and the types at a location, by random values and schemas.
@Suite struct ValueLawsTests {
    /// The spellings of an integer.
    private static func spellings(_ digits: String, _ zeros: Int) -> [String] {
        let plain = digits + String(repeating: "0", count: zeros)
        let first = digits.first.map { String($0) } ?? ""
        let scientific = "\(first).\(digits.dropFirst())0e\(zeros + digits.count - 1)"
        return [plain, "\(digits)e\(zeros)", scientific, "\(plain).0"]
    }

    /// Protects the equality of numbers: by value in each spelling, also above 64 bits.
    @Test func numbersAreEqualByValue() throws {
        var random = SeededGenerator(seed: 1)
        var known: [(value: JSONValue, identity: String)] = []
        for _ in 0..<12 {
            // Doubles have at least 15 decimal digits.
            var digits = String(Int.random(in: 1...999_999, using: &random))
            while digits.hasSuffix("0") { digits.removeLast() }
            let zeros = Int.random(in: 0...30, using: &random)
            for text in Self.spellings(digits, zeros).shuffled(using: &random).prefix(3) {
                for sign in ["", "-"] {
                    let value = try JSONParser.parse(Array((sign + text).utf8))
                    known.append((value, "\(sign)\(digits)e\(zeros)"))
                }
            }
        }
        for (left, identity) in known {
            for (right, other) in known {
                #expect(JSONEquality.equal(left, right) == (identity == other), "\(left.text) \(right.text)")
                #expect(PlainEvaluator.areEqual(left, right) == (identity == other))
            }
        }
        // Exactly one: a value that two alternatives list in two spellings fulfils none of the two alone.
        let probe = try SchemaProbe(#"{"oneOf": [{"const": 1e20}, {"const": 100000000000000000000}, {"const": 3}]}"#)
        for text in ["1e+20", "1e20", "100000000000000000000"] { #expect(!probe.accepts(text), "\(text)") }
        #expect(probe.accepts("3"))
    }

    private struct Generator {
        var random: SeededGenerator

        private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

        mutating func value(_ depth: Int) -> JSONValue {
            let scalars: [JSONValue] = [.null, true, 1, 2.5, "a", "b", 2.0]
            switch below(depth > 0 ? 4 : 2) {
            case 2: return .array((0..<below(3)).map { _ in value(depth - 1) })
            case 3:
                var members: JSONObject = [:]
                for key in ["a", "b", "c"] where below(2) == 0 { members[key] = value(depth - 1) }
                return .object(members)
            default: return scalars[below(scalars.count)]
            }
        }

        private mutating func schemas(_ depth: Int) -> JSONValue { .array((0...below(3)).map { _ in schema(depth) }) }

        mutating func schema(_ depth: Int) -> JSONValue {
            if below(9) == 0 { return .bool(below(4) > 0) }
            var keywords: JSONObject = [:]
            let types: [JSONValue] = ["null", "boolean", "integer", "number", "string", "array", "object"]
            for _ in 0...below(2) {
                switch below(depth > 0 ? 12 : 4) {
                case 0, 1: keywords["type"] = .array([types[below(7)], types[below(7)], types[below(7)]])
                case 2: keywords["enum"] = .array((0...below(4)).map { _ in value(1) })
                case 3: keywords["const"] = value(1)
                case 4, 5: keywords["properties"] = ["a": schema(depth - 1), "b": schema(depth - 1)]
                case 6: keywords["additionalProperties"] = schema(depth - 1)
                case 7: keywords["items"] = schema(depth - 1)
                case 8: keywords["prefixItems"] = schemas(depth - 1)
                case 9: keywords["allOf"] = schemas(depth - 1)
                case 10: keywords["anyOf"] = schemas(depth - 1)
                default: keywords["oneOf"] = schemas(depth - 1)
                }
            }
            return .object(keywords)
        }
    }

    /// The number of values inside of `value` whose location excludes their type.
    private static func contradictions(_ value: JSONValue, _ location: SchemaLocation) -> Int {
        var count = location.types.isSuperset(of: JSONTypes(of: value)) ? 0 : 1
        for item in value.arrayValue ?? [] { count += contradictions(item, location.item) }
        for (key, member) in value.objectValue ?? [:] { count += contradictions(member, location.member(key)) }
        return count
    }

    /// Protects the promise of `SchemaLocation`: each value that fulfils a schema has one of the location's types.
    @Test(arguments: 0..<2) func typesOfALocationAreAnUpperBound(seed: UInt64) throws {
        var generator = Generator(random: SeededGenerator(seed: 50 + seed))
        let values = (0..<40).map { _ in generator.value(2) }
        var (valid, known) = (0, 0)
        for _ in 0..<80 {
            let schema = generator.schema(2)
            let byReference: JSONValue = ["$ref": "#/$defs/own~1x", "$defs": ["own/x": schema]]
            let locations = [SchemaLocation(root: schema), SchemaLocation(root: byReference)]
            if locations[0].types != .all { known += 1 }
            #expect(locations[1].types.isSuperset(of: locations[0].types))
            for value in values where PlainEvaluator.isValid(value, schema) {
                valid += 1
                for location in locations {
                    #expect(Self.contradictions(value, location) == 0, "\(value.text) of \(schema.text)")
                }
            }
        }
        #expect(valid > 300 && known > 15)
    }
}
