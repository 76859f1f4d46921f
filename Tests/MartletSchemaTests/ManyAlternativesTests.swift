import MartletGrammar
import MartletJSON
import MartletTestSupport
import OrderedCollections
import Testing

@testable import MartletSchema

/// Thousands of alternatives are matched by their common beginnings.
@Suite struct ManyAlternativesTests {
    @Test(arguments: [4_096, 9_000]) func listedValuesShareOnePath(count: Int) throws {
        var values = (0..<count).map { JSONValue.string("item \(7 * $0)") }
        values += ["last one", "item", 5, 50, .null, ["item 3"], ["a": "item 4"], "item \"x\"", "é"]
        let probe = try SchemaProbe(["enum": .array(values)])
        for text in [
            #""item 7""#, #""last one""#, #""item""#, "5", "50", "null", #"["item 3"]"#, #"{"a": "item 4"}"#, #""é""#,
        ] {
            #expect(probe.accepts(text), "\(text)")
        }
        #expect(probe.accepts(values[count - 1].bytes))
        for text in [#""item 8""#, #""item ""#, #""last""#, "500", #"["item 7"]"#, #""items""#] {
            #expect(!probe.accepts(text), "\(text)")
        }
        // After the common beginning, only continuations are allowed.
        var matcher = GrammarMatcher(probe.grammar)
        let begun = matcher.accept(Array(#""item 1"#.utf8))
        #expect(begun && !matcher.isOverflown)
        #expect(matcher.allowedBytes == ByteSet("0123456789".utf8))
        #expect(try Grammar(decoding: probe.grammar.encoded(), limits: .standard) == probe.grammar)
    }

    /// Names with common beginnings, with common endings, and with neither.
    private static let namings: [@Sendable (Int) -> String] = [
        { "member\($0)" }, { "\($0 * 7_919 % 3_000)_property_name" }, { "the \"name\" \($0) of é" },
        { String(($0 * 2_654_435_761) % 4_294_967_296, radix: 16) },
    ]

    @Test(arguments: namings.indices) func thousandsOfOptionalMembersNeedNoClosedObject(naming: Int) throws {
        let names = (0..<3_000).map(Self.namings[naming])
        for additional: JSONValue? in naming == 0 ? [nil, true, ["type": "string"]] : [nil] {
            var schema: JSONObject = [
                "type": "object",
                "properties": .object(
                    JSONObject(
                        uniqueKeysWithValues: names.map { ($0, ["type": "integer", "description": "A count."]) })),
            ]
            schema["additionalProperties"] = additional
            let probe = try SchemaProbe(.object(schema))
            func text(_ members: [(String, String)]) -> [UInt8] {
                let parts = members.map { JSONSpelling.string($0.0) + Array(":\($0.1)".utf8) }
                return Array("{".utf8) + parts.joined(separator: Array(",".utf8)) + Array("}".utf8)
            }
            let (first, last) = (names[7], names[2_999])
            #expect(probe.accepts(text([])))
            #expect(probe.accepts(text([(first, "1"), (last, "2"), ("other", "\"x\"")])))
            #expect(probe.accepts(text([(first + "0123456789", "\"x\""), ("", "\"x\"")])))
            #expect(probe.accepts(text([(String(first.dropLast()) + "~", "\"x\"")])))
            for name in [first, last] {
                #expect(!probe.accepts(text([(name, "\"x\"")])), "\(name)")
                #expect(!probe.accepts(text([("other", "\"x\""), (name, "\"x\"")])), "\(name)")
            }
            #expect(probe.accepts(text([("other", "5")])) == (additional?.objectValue == nil))
        }
    }

    private static func object(_ count: Int, required: [Int] = [], open: Bool? = nil) -> JSONValue {
        let members = (0..<count).map { ("member\($0)", ["type": "integer"] as JSONValue) }
        var schema: JSONObject = [
            "type": "object", "properties": .object(JSONObject(uniqueKeysWithValues: members)),
            "required": .array(required.map { .string("member\($0)") }),
        ]
        if let open { schema["additionalProperties"] = .bool(open) }
        return .object(schema)
    }

    @Test(arguments: [
        object(3_000, open: false), object(3_000), object(3_000, required: [10, 1_900], open: false),
        object(3_000, required: [10, 1_900], open: true),
    ])
    func optionalMembersAreLookedUp(schema: JSONValue) throws {
        let probe = try SchemaProbe(schema)
        #expect(probe.accepts(#"{"member3":1, "member10":2,"member1900":3,"member1999":4}"#))
        #expect(!probe.accepts(#"{"member10":1,"member3":2,"member1900":3}"#))
        #expect(!probe.accepts(#"{"member10":"x","member1900":3}"#))
        let isClosed = schema["additionalProperties"]?.boolValue == false
        #expect(probe.accepts(#"{"member10":1,"member1900":3,"x":"y"}"#) == !isClosed)
    }

    /// Many members behave like few members, which are matched one by one.
    @Test func manyMembersAreAllowedAsFewAre() throws {
        var random = SeededGenerator(seed: 3)
        for open in [nil, true, false] as [Bool?] {
            for required in [[], [0], [3], [2, 5], [69]] {
                let many = try SchemaProbe(Self.object(70, required: required, open: open), spacing: .compact)
                let names = ["x"] + (0..<6).map { "member\($0)" } + ["member69"]
                let evaluator = SchemaEvaluator(
                    nodes: try SchemaParser.read(Self.object(70, required: required, open: open), limits: .standard),
                    patterns: PatternTable())
                // Without the absent members there are few.
                let few = try SchemaProbe(Self.few(required, open, names), spacing: .compact)
                for _ in 0..<120 {
                    var chosen = names.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
                    if Bool.random(using: &random) { chosen.shuffle(using: &random) }
                    let text = "{" + chosen.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
                    #expect(many.accepts(text) == few.accepts(text), "\(text) \(required) \(String(describing: open))")
                    if many.accepts(text) {
                        let isValid = try evaluator.isValid(JSONParser.parse(Array(text.utf8)), 0)
                        #expect(isValid, "\(text)")
                    }
                }
            }
        }
    }

    private static func few(_ required: [Int], _ open: Bool?, _ names: [String]) -> JSONValue {
        var schema: JSONObject = [
            "type": "object",
            "properties": .object(
                JSONObject(uniqueKeysWithValues: names.dropFirst().map { ($0, ["type": "integer"]) })),
            "required": .array(required.map { .string("member\($0)") }),
        ]
        if let open { schema["additionalProperties"] = .bool(open) }
        return .object(schema)
    }
}
