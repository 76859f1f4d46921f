import MartletGrammar
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletSchema

/// Expensive schemas are refused after the same number of steps on every machine.
@Suite struct SchemaBudgetTests {
    private static let limits = SchemaLimits.standard

    private static func properties(_ count: Int, _ make: (Int) -> JSONValue) -> JSONValue {
        let members = (0..<count).map { ("k\($0)", make($0)) }
        return ["type": "object", "properties": .object(JSONObject(uniqueKeysWithValues: members))]
    }

    private static func all(_ keyword: String, _ count: Int, _ make: (Int) -> JSONValue) -> JSONValue {
        .object([keyword: .array((0..<count).map(make))])
    }

    /// A schema, and whether it is large rather than hard.
    static let costly: [(name: String, schema: JSONValue)] = [
        ("exponential pattern", ["type": "string", "pattern": "^(a|b)*a(a|b){40}$"]),
        ("many such patterns", properties(200) { ["type": "string", "pattern": .string("^(a|b)*a(a|b){9}\($0)$")] }),
        (
            "patterns that exclude one another",
            all("allOf", 30) { ["type": "string", "pattern": .string("^(?:.{0,40}x){\($0)}.*$")] }
        ),
        (
            "patterns of names",
            [
                "type": "object",
                "patternProperties": .object(
                    JSONObject(
                        uniqueKeysWithValues: (0..<60).map {
                            (
                                "^.{0,\($0)}[a-\(Character(Unicode.Scalar(98 + UInt8($0 % 20))))]{1,9}",
                                ["minimum": .integer(Int64($0))]
                            )
                        })),
            ]
        ),
        (
            "choices of choices",
            all("allOf", 12) { number in
                all("anyOf", 12) { ["properties": .object(["k\(number)": ["const": .integer(Int64($0))]])] }
            }
        ),
        ("alternatives to tell apart", all("oneOf", 200) { ["type": "object", "required": [.string("k\($0)")]] }),
        ("many members", properties(9_000) { _ in [:] }),
        (
            "members counted",
            [
                "type": "object", "maxProperties": 1_000,
                "properties": properties(1_500) { _ in ["type": "null"] }["properties"] ?? .null,
            ]
        ),
        (
            "items counted",
            ["type": "array", "contains": ["const": 1], "maxContains": 60, "maxItems": 60, "minItems": 1]
        ),
        ("many numbers", properties(1_000) { ["type": "number", "multipleOf": .integer(Int64(2_000 + $0))] }),
        (
            "long texts of a pattern",
            properties(50) {
                ["type": "string", "pattern": "^[a-z]+( [a-z]+)*$", "maxLength": .integer(Int64(1_900 + $0))]
            }
        ),
    ]

    @Test(arguments: costly.indices) func stepsAreBounded(index: Int) {
        let (name, schema) = Self.costly[index]
        for mode in SchemaMode.allCases {
            let budget = CompileBudget()
            let result = Result { try SchemaCompiler(mode: mode).grammar(of: schema, budget: budget) }
            // The limit may be passed by one table of transitions, which is large for ten thousand names.
            #expect(budget.usedSteps <= Self.limits.work + 12_000, "\(name), \(mode): \(budget.usedSteps)")
            if case .failure(let error) = result {
                #expect(error is SchemaError, "\(name): \(error)")
            } else {
                #expect(budget.usedSteps <= Self.limits.work, "\(name), \(mode): \(budget.usedSteps)")
            }
        }
    }

    /// The budget refuses most of the schemas: a hundredth of it refuses all of them after a hundredth of the steps.
    @Test(arguments: costly.indices) func fewerStepsAreFewer(index: Int) {
        let (name, schema) = Self.costly[index]
        var limits = Self.limits
        limits.work /= 100
        let budget = CompileBudget()
        #expect(throws: SchemaError.self, "\(name)") {
            try SchemaCompiler(limits: limits).grammar(of: schema, budget: budget)
        }
        // The schemas of a document are counted when they have been read.
        #expect(budget.usedSteps <= limits.work + 10_000, "\(name): \(budget.usedSteps)")
    }

    @Test func sizeIsCountedInFrontOfAll() throws {
        var size = SchemaSize()
        try size.add(["a": [1, 2, ["b": .null]]], limits: Self.limits)
        #expect(size.values == 5)
        let limits = SchemaLimits(bytes: 1_000, nodes: 4)
        for (schema, part) in [
            (JSONValue.array((0..<9).map { .integer($0) }), "8 members"),
            (.string(String(repeating: "x", count: 1_000)), "1000 bytes"),
        ] {
            let error = #expect(throws: SchemaError.self) {
                var size = SchemaSize()
                try size.add(schema, limits: limits)
            }
            #expect(error?.kind == .limit && error?.reason.contains(part) == true)
            let budget = CompileBudget()
            #expect(throws: SchemaError.self) { try SchemaCompiler(limits: limits).grammar(of: schema, budget: budget) }
            #expect(budget.usedSteps == 0)
        }
        // Several schemas are counted together.
        var sum = SchemaSize()
        try sum.add([1, 2, 3, 4, 5], limits: limits)
        #expect(throws: SchemaError.self) { try sum.add([1, 2, 3, 4], limits: limits) }
    }
}
