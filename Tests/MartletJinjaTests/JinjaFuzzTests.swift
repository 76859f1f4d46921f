import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletJinja

/// Templates made of pieces of other templates never crash, and stay within their budgets.
@Suite struct JinjaFuzzTests {
    private static let seeds =
        StringMethodTables.rows.map(\.source) + FilterTables.rows.map(\.source) + ValueTestTables.rows.map(\.source)
        + OperatorTables.rows.map(\.source) + StatementTables.rows.map(\.source) + WhitespaceTables.rows.map(\.source)
        + TemplateBudgetTests.greedy + TemplateErrorTests.rows.map(\.source) + TemplateErrorTests.syntax.map(\.source)
    private static let words = [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "if ", "else ", "endif", "for ", " in ", "endfor", "set ",
        "macro ",
        "endmacro", "call ", "loop", "(", ")", "[", "]", "{", "}", ":", ",", "|", ".", "~", "*", "**", "//", "%",
        "not ",
        "is ", "'", "\"", "\\", "9223372036854775807", "-1", "0", "1e308", "none", "true", "x", "d", "l", "s", "ns",
        "namespace(", "range(", "tojson", "format(", "\u{0}", "é", "\n", "\r\n", "recursive", "caller()", "::", "raw",
    ]

    private static func mutated(_ source: String, _ random: inout SeededGenerator) -> String {
        var bytes = Array(source.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let position = Int.random(in: 0...bytes.count, using: &random)
            let end = Int.random(in: position...min(bytes.count, position + 8), using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(position..<end)
            case 1: bytes.insert(contentsOf: Array(words.randomElement(using: &random)?.utf8 ?? "".utf8), at: position)
            case 2: bytes.insert(contentsOf: Array(bytes[position..<end]), at: position)
            case 3:
                let other = Array((seeds.randomElement(using: &random) ?? "").utf8)
                let start = Int.random(in: 0...other.count, using: &random)
                bytes.insert(contentsOf: other[start...], at: position)
            default: if position < bytes.count { bytes[position] = UInt8.random(in: 0...255, using: &random) }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func mutatedTemplatesNeverCrash() {
        var random = SeededGenerator(seed: 1)
        var budget = TemplateBudget()
        budget.steps = 20_000
        budget.memoryBytes = 4 << 20
        budget.outputBytes = 1 << 20
        var rendered = 0
        for _ in 0..<10_000 {
            let source = Self.mutated(Self.seeds.randomElement(using: &random) ?? "", &random)
            if renderingError(source, sampleVariables, budget: budget) == nil { rendered += 1 }
        }
        // Only mutations that leave the source valid reach the interpreter.
        #expect(rendered > 1_000)
    }
}
