import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletSchema

/// Decimal numbers, compared with integers that count thousandths.
@Suite struct DecimalNumberTests {
    /// A number of thousandths in one of its spellings.
    private static func spelling(_ thousandths: Int, _ random: inout SeededGenerator) -> String {
        let sign = thousandths < 0 ? "-" : ""
        let size = abs(thousandths)
        let zeros = String(repeating: "0", count: Int.random(in: 0...3, using: &random))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return "\(sign)\(size)e-3"
        case 1: return "\(sign)\(size)\(zeros)E\(-3 - zeros.count)"
        case 2 where size % 1_000 == 0: return "\(sign)\(size / 1_000)"
        default:
            let fraction = String(1_000 + size % 1_000).dropFirst()
            return "\(sign)\(size / 1_000).\(fraction)\(zeros)"
        }
    }

    @Test func orderAndEqualityAreThoseOfTheValues() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<3_000 {
            let near =
                Int.random(in: -3...3, using: &random) * [1, 1_000, 12_345][Int.random(in: 0..<3, using: &random)]
            let pair = (Int.random(in: -20_000...20_000, using: &random), near)
            for (left, right) in [(pair.0, pair.1), (pair.0, pair.0), (pair.1, -pair.1), (pair.0, pair.0 + 1)] {
                let first = try #require(DecimalNumber(text: Self.spelling(left, &random)))
                let second = try #require(DecimalNumber(text: Self.spelling(right, &random)))
                #expect(DecimalNumber.compare(first, second) == (left - right).signum())
                #expect((first == second) == (left == right))
                #expect(first.isZero == (left == 0) && first.isNegative == (left < 0))
                #expect(first.isWhole == left.isMultiple(of: 1_000))
                guard right != 0 else { continue }
                #expect(first.isMultiple(of: second) == left.isMultiple(of: right), "\(left) of \(right)")
            }
        }
    }

    @Test(
        arguments: [
            ("0", [0], []), ("-0", [0], []), ("-0.0", [0], []), ("007", [7], []), ("1.50", [1], [5]),
            ("0.05", [0], [0, 5]), ("1e2", [1, 0, 0], []), ("1.25e1", [1, 2], [5]), ("125e-4", [0], [0, 1, 2, 5]),
        ] as [(String, [UInt8], [UInt8])])
    func digitsAreApart(text: String, whole: [UInt8], fraction: [UInt8]) throws {
        let number = try #require(DecimalNumber(text: text))
        #expect(number.whole == whole && number.fraction == fraction && !number.isNegative)
    }

    @Test(arguments: ["", "-", ".", "x", "1x", "1e", "1e401", "1e-401", String(repeating: "9", count: 401)])
    func whatIsNoNumberIsNone(text: String) { #expect(DecimalNumber(text: text) == nil) }

    @Test func valuesAreNumbers() throws {
        #expect(DecimalNumber(JSONValue.integer(-12)) == DecimalNumber(text: "-12.0"))
        #expect(DecimalNumber(JSONValue.number(0.1)) == DecimalNumber(text: "1e-1"))
        for value: JSONValue in [.null, "1", [1], true] { #expect(DecimalNumber(value) == nil) }
        let scaled = try #require(DecimalNumber(text: "-12.34")?.scaled)
        #expect(scaled.value == 1_234 && scaled.decimals == 2)
        #expect(DecimalNumber(text: "1234567890123456")?.scaled == nil)
        // A quotient that cannot be computed exactly is not guessed.
        let large = try #require(DecimalNumber(text: "1234567890.1234567"))
        #expect(try #require(DecimalNumber(text: "1")).isMultiple(of: large) == nil)
        #expect(try #require(DecimalNumber(text: "1")).isMultiple(of: try #require(DecimalNumber(text: "0"))) == nil)
    }
}
