import MartletGrammar
import MartletTestSupport
import Testing

@testable import MartletSchema

/// Automata of random constraints on numbers, compared with integers that count ten-thousandths.
@Suite struct NumberLawsTests {
    private static let one = 10_000

    /// Constraints whose bounds count ten-thousandths.
    private struct Model: CustomStringConvertible {
        var isWhole = false
        var isFractional = false
        var minimum: (value: Int, excludes: Bool)?
        var maximum: (value: Int, excludes: Bool)?
        var divisors: [Int] = []
        var nonDivisors: [Int] = []
        var excluded: [Int] = []

        init(_ random: inout SeededGenerator) {
            func value(_ random: inout SeededGenerator) -> Int {
                let unit = [1, 50, 2_500, one, 9 * one].randomElement(using: &random) ?? 1
                return unit * Int.random(in: -130...130, using: &random)
            }
            func bound(_ random: inout SeededGenerator) -> (Int, Bool)? {
                Bool.random(using: &random) ? nil : (value(&random), Bool.random(using: &random))
            }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: isWhole = true
            case 1: isFractional = true
            default: break
            }
            (minimum, maximum) = (bound(&random), bound(&random))
            let steps = [one, 2 * one, 3 * one, one / 2, one / 10, 25 * one / 10, 7]
            for _ in 0..<Int.random(in: 0...1, using: &random) { divisors += steps.shuffled(using: &random).prefix(1) }
            if Int.random(in: 0..<3, using: &random) == 0 {
                nonDivisors += steps.prefix(5).shuffled(using: &random).prefix(1)
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) { excluded.append(value(&random)) }
        }

        var constraints: NumberConstraints {
            var constraints = NumberConstraints()
            constraints.isWhole = isWhole
            constraints.isFractional = isFractional
            constraints.minimum = minimum.flatMap { decimal($0.value) }
            constraints.excludesMinimum = minimum?.excludes ?? false
            constraints.maximum = maximum.flatMap { decimal($0.value) }
            constraints.excludesMaximum = maximum?.excludes ?? false
            constraints.divisors = divisors.compactMap(decimal)
            constraints.nonDivisors = nonDivisors.compactMap(decimal)
            constraints.excluded = excluded.compactMap(decimal)
            return constraints
        }

        func admits(_ value: Int, hasPoint: Bool) -> Bool {
            if isWhole && hasPoint || isFractional && value.isMultiple(of: one) { return false }
            if let minimum, value < minimum.value || value == minimum.value && minimum.excludes { return false }
            if let maximum, value > maximum.value || value == maximum.value && maximum.excludes { return false }
            return divisors.allSatisfy { value.isMultiple(of: $0) } && !excluded.contains(value)
                && !nonDivisors.contains { value.isMultiple(of: $0) }
        }

        var description: String {
            "\(isWhole) \(isFractional) \(minimum as Any) \(maximum as Any) \(divisors) \(nonDivisors) \(excluded)"
        }
    }

    private static func decimal(_ value: Int) -> DecimalNumber? { DecimalNumber(text: "\(value)e-4") }

    /// The spellings of a number without exponent: with as many decimals as it needs, and with more.
    private static func spellings(_ value: Int) -> [String] {
        let digits = String(one + abs(value) % one).dropFirst()
        let needed = digits.lastIndex { $0 != "0" }.map { digits[...$0] } ?? ""
        let whole = "\(abs(value) / one)"
        let texts =
            (needed.isEmpty ? [whole] : ["\(whole).\(needed)"]) + ["\(whole).\(digits)", "\(whole).\(digits)00"]
        return texts.flatMap { value == 0 ? [$0, "-\($0)"] : [value < 0 ? "-\($0)" : $0] }
    }

    /// Protects the comparison digit by digit, the remainders and the values that are left out.
    @Test(arguments: 0..<3) func automataAdmitExactlyTheirNumbers(seed: UInt64) throws {
        var random = SeededGenerator(seed: 700 + seed)
        var (admitted, refused) = (0, 0)
        for _ in 0..<24 {
            let model = Model(&random)
            let automaton = try NumberAutomaton.make(model.constraints)
            let corners = [0, model.minimum?.value ?? 0, model.maximum?.value ?? 0] + model.excluded
            let steps = [0, 1, 7, 50, 2_500, Self.one, 3 * Self.one, 10 * Self.one]
            var values = Set(corners.flatMap { corner in steps.flatMap { [corner + $0, corner - $0] } })
            for _ in 0..<20 { values.insert(Int.random(in: -2_000_000...2_000_000, using: &random)) }
            for value in values {
                for text in Self.spellings(value) {
                    let isAdmitted = model.admits(value, hasPoint: text.contains("."))
                    #expect(automaton?.matches(text.utf8) ?? false == isAdmitted, "\(text) of \(model)")
                    if isAdmitted { admitted += 1 } else { refused += 1 }
                }
            }
        }
        #expect(admitted > 100 && refused > 100)
    }

    /// Protects the intersection of bounds: of several, the narrowest counts, and of equal ones the exclusive one.
    @Test func severalBoundsAreAllOfThem() throws {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<200 {
            var constraints = NumberConstraints()
            var bounds: [(value: Int, isUpper: Bool, excludes: Bool)] = []
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let value = Int.random(in: -3...3, using: &random)
                bounds.append((value, Bool.random(using: &random), Bool.random(using: &random)))
            }
            for bound in bounds {
                let number = try #require(DecimalNumber(text: "\(bound.value)"))
                if bound.isUpper {
                    constraints.lower(maximum: number, excluding: bound.excludes)
                } else {
                    constraints.raise(minimum: number, excluding: bound.excludes)
                }
            }
            let automaton = try NumberAutomaton.make(constraints)
            for value in -4...4 {
                let isInside = bounds.allSatisfy { bound in
                    value == bound.value ? !bound.excludes : (value < bound.value) == bound.isUpper
                }
                #expect(automaton?.matches("\(value)".utf8) ?? false == isInside, "\(value) of \(bounds)")
            }
        }
    }

    /// Protects the rule for exponents: they are admitted only where they cannot change what was decided before.
    @Test(
        arguments: [
            (nil, nil, true, true), ("0", nil, true, false), (nil, "0", false, true), ("1", nil, false, false),
            (nil, "-1", false, false), ("-1", "1", false, false),
        ] as [(String?, String?, Bool, Bool)])
    func exponentsMoveNoNumberAcrossABound(minimum: String?, maximum: String?, positive: Bool, negative: Bool) throws {
        var constraints = NumberConstraints()
        constraints.minimum = minimum.flatMap { DecimalNumber(text: $0) }
        constraints.maximum = maximum.flatMap { DecimalNumber(text: $0) }
        let automaton = try #require(try NumberAutomaton.make(constraints))
        for text in ["1e2", "3.5E+7", "2e-299"] {
            #expect(automaton.matches(text.utf8) == positive && automaton.matches("-\(text)".utf8) == negative)
        }
        constraints.isWhole = true
        #expect(try NumberAutomaton.make(constraints)?.matches("1e2".utf8) == false)
    }

    /// Protects the limits of divisors and steps; each error names its limit.
    @Test func limitsAreNamed() throws {
        var constraints = NumberConstraints()
        constraints.divisors = [try #require(DecimalNumber(text: "1.0001"))]
        let divisor = #expect(throws: RegexError.self) { try NumberAutomaton.make(constraints) }
        #expect(divisor?.message.contains("\(NumberAutomaton.divisorLimit)") == true)
        constraints.divisors = [try #require(DecimalNumber(text: "7.77"))]
        let budget = CompileBudget(limit: 50)
        let steps = #expect(throws: RegexError.self) { try NumberAutomaton.make(constraints, within: budget) }
        #expect(steps?.message.contains("50 steps") == true)
    }
}
