import MartletGrammar
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletSchema

/// Each limit of schemas and patterns: what is at the limit is accepted, and above it the error names the limit.
@Suite struct SchemaLimitsTests {
    private struct Limit: Sendable, CustomStringConvertible {
        var description: String
        var limits: SchemaLimits
        var kind: SchemaError.Kind
        /// The part of the reason that names the limit.
        var named: String
        /// A schema that uses exactly this amount.
        var schema: @Sendable (Int) -> JSONValue
        var most: Int
    }

    private static func object(_ count: Int, _ member: (Int) -> JSONValue) -> JSONValue {
        .object(JSONObject(uniqueKeysWithValues: (0..<count).map { ("k\($0)", member($0)) }))
    }

    private static let limits: [Limit] = [
        // 5 letters and 4 marks for the name, 3 marks for the text.
        Limit(
            description: "bytes", limits: SchemaLimits(bytes: 200), kind: .limit, named: "200 bytes",
            schema: { ["const": .string(String(repeating: "x", count: $0 - 12))] }, most: 200),
        Limit(
            description: "members and elements", limits: SchemaLimits(nodes: 10), kind: .limit,
            named: "20 members and elements", schema: { ["enum": .array((1..<$0).map { .integer(Int64($0)) })] },
            most: 20),
        Limit(
            description: "schemas", limits: SchemaLimits(nodes: 6), kind: .limit, named: "6 schemas",
            schema: { ["properties": object($0 - 1) { _ in true }] }, most: 6),
        Limit(
            description: "nesting", limits: SchemaLimits(depth: 8), kind: .limit, named: "8 deep",
            schema: { (0..<$0).reduce(true) { schema, _ in ["items": schema] } }, most: 8),
        Limit(
            description: "alternatives", limits: SchemaLimits(alternatives: 16), kind: .unsupported,
            named: "16 alternatives",
            schema: { count in
                [
                    "type": "object",
                    "anyOf": .array((0..<count).map { ["required": [.string("k\($0)")]] }),
                ]
            }, most: 16),
        Limit(
            description: "a lower bound", limits: .standard, kind: .unsupported, named: "at most 1000000",
            schema: { ["type": "string", "minLength": .integer(Int64($0))] }, most: 1_000_000),
    ]

    /// Protects each limit from an error by one, and its error from saying less than the limit.
    @Test(arguments: limits.indices) func whatIsAboveALimitIsRefused(index: Int) throws {
        let limit = Self.limits[index]
        let compiler = SchemaCompiler(limits: limit.limits)
        _ = try compiler.grammar(of: limit.schema(limit.most))
        for above in [limit.most + 1, limit.most + limit.most / 3] {
            let error = #expect(throws: SchemaError.self, "\(limit)") { try compiler.grammar(of: limit.schema(above)) }
            #expect(error?.kind == limit.kind && error?.reason.contains(limit.named) == true, "\(error as Any)")
            #expect(error.map { $0.description.contains("at \($0.pointer): ") } == true, "\(error as Any)")
        }
    }

    /// Protects the limits of an expression: at the limit it is parsed, and above it the reason names the limit.
    @Test func expressionsAreLimited() throws {
        func nested(_ count: Int) -> String {
            String(repeating: "(", count: count) + "a" + String(repeating: ")", count: count)
        }
        func long(_ count: Int) -> String { "(?<" + String(repeating: "n", count: count - 6) + ">a)" }
        let (depth, length, times) = (RegexParser.depthLimit, RegexParser.lengthLimit, RegexParser.repetitionLimit)
        let rows: [(accepted: String, refused: String, named: String)] = [
            (nested(depth), nested(depth + 1), "\(depth) groups"), (long(length), long(length + 1), "\(length) bytes"),
            ("a{\(times)}", "a{\(times + 1)}", "\(times) times"),
            ("a{\(times),}", "a{\(times + 1),}", "\(times) times"),
            ("a{2,\(times)}", "a{2,\(times + 1)}", "\(times) times"),
            ("a{2}", "a{99999999999999999999}", "\(times) times"),
        ]
        for row in rows {
            _ = try RegexParser.parse(row.accepted)
            let error = #expect(throws: RegexError.self) { try RegexParser.parse(row.refused) }
            #expect(error?.message.contains(row.named) == true, "\(error as Any)")
        }
    }
}

/// Bounds on the length of texts with a pattern, compared with all short texts.
@Suite struct BoundedPatternTests {
    private static let texts: [String] = {
        var texts = [""]
        var last = texts
        for _ in 0..<6 {
            last = last.flatMap { [$0 + "a", $0 + "b"] }
            texts += last
        }
        return texts
    }()

    /// Protects the count beside the states: each accepted beginning can end within the bounds, and no other is
    /// accepted.
    @Test(arguments: [
        "^[ab]*$", "^(?:ab)+$", "^a*b?a*$", "^(?:a|bb)*$", "^(?=.*b)[ab]+$", "^(?:[ab]{3})*$", "^(?!b)[ab]*$",
    ])
    func beginningsCanEndWithinTheBounds(pattern: String) throws {
        let automaton = try RegexCompiler.search(pattern)
        for (minimum, maximum) in [(0, 6), (1, 1), (1, 3), (2, 2), (3, 3), (4, 6), (5, 5)] {
            let whole = Set(Self.texts.filter { minimum...maximum ~= $0.count && automaton.matches($0) })
            let schema: JSONValue = [
                "type": "string", "pattern": .string(pattern), "minLength": .integer(Int64(minimum)),
                "maxLength": .integer(Int64(maximum)),
            ]
            guard !whole.isEmpty else {
                let error = #expect(throws: SchemaError.self) { try SchemaCompiler().grammar(of: schema) }
                #expect(error?.kind == .unsatisfiable, "\(pattern) \(minimum) \(maximum)")
                continue
            }
            let beginnings = Set(whole.flatMap { text in (0...text.count).map { String(text.prefix($0)) } })
            let start = GrammarMatcher(try SchemaCompiler().grammar(of: schema).grammar)
            for text in Self.texts {
                var matcher = start
                let isBeginning = matcher.accept(Array("\"\(text)".utf8))
                #expect(isBeginning == beginnings.contains(text), "\(text) \(pattern) \(minimum) \(maximum)")
                let isWhole = isBeginning && matcher.accept(Array("\"".utf8)) && matcher.isComplete
                #expect(isWhole == whole.contains(text), "\(text) \(pattern) \(minimum) \(maximum)")
            }
        }
    }
}
