import MartletGrammar

/// The constraints on a number; the key of the cache of number automata.
struct NumberConstraints: Hashable, Sendable {
    /// Whether the text has no fraction and no exponent.
    var isWhole = false
    /// Whether the number has a fraction that is not zero.
    var isFractional = false
    var minimum: DecimalNumber?
    var excludesMinimum = false
    var maximum: DecimalNumber?
    var excludesMaximum = false
    /// Divisors that leave no remainder, and divisors that do.
    var divisors: [DecimalNumber] = []
    var nonDivisors: [DecimalNumber] = []
    /// Values that the number does not have.
    var excluded: [DecimalNumber] = []

    /// Tightens the lower bound.
    mutating func raise(minimum other: DecimalNumber, excluding: Bool) {
        let ordering = minimum.map { DecimalNumber.compare(other, $0) } ?? 1
        if ordering > 0 { excludesMinimum = excluding } else if ordering == 0, excluding { excludesMinimum = true }
        if ordering > 0 { minimum = other }
    }

    /// Tightens the upper bound.
    mutating func lower(maximum other: DecimalNumber, excluding: Bool) {
        let ordering = maximum.map { DecimalNumber.compare(other, $0) } ?? -1
        if ordering < 0 { excludesMaximum = excluding } else if ordering == 0, excluding { excludesMaximum = true }
        if ordering < 0 { maximum = other }
    }
}

/// Builds byte automata of JSON numbers that fulfil constraints.
///
/// A state is a list of integers: the phase of the number's syntax, its sign, whether the fraction has a digit other
/// than 0, a comparison with each bound, and a remainder for each divisor. Digits are compared with a bound from left
/// to right, and remainders are computed modulo the divisor.
///
///     start -> minus -> zero | whole -> point -> fraction
///                       any of those -> exponent -> sign -> small -> first -> second
///
/// Exponents are admitted only without bounds (except 0), divisors and excluded values, since an exponent moves the
/// point after the digits were compared. They go up to 299, so that each double can represent the number.
///
/// - Complexity: at most `stateLimit` states; the budget counts the transitions.
struct NumberAutomaton {
    /// The largest number of states.
    static let stateLimit = 20_000
    /// The largest divisor, scaled to an integer: a remainder is one of so many states.
    static let divisorLimit = 10_000

    /// The position in the syntax of a number. `small` is the first digit 0, 1 or 2 of an exponent of three digits.
    private enum Phase: Int32 {
        case start, minus, zero, whole, point, fraction, exponent, sign, small, first, second
    }

    private let constraints: NumberConstraints
    /// The bounds and excluded values: minimum, maximum, then the others.
    private let constants: [DecimalNumber]
    private let divisors: [(step: Int, decimals: Int)]
    private let allowsExponent: Bool

    /// The automaton of the numbers that fulfil constraints.
    ///
    /// - Returns: `nil` if there is no such number.
    /// - Throws: an error if a divisor is too large, or the automaton or the budget is exceeded.
    static func make(
        _ constraints: NumberConstraints, within budget: CompileBudget = CompileBudget()
    ) throws(RegexError) -> ByteAutomaton? {
        try NumberAutomaton(constraints).build(within: budget)
    }

    private init(_ constraints: NumberConstraints) throws(RegexError) {
        self.constraints = constraints
        constants = [constraints.minimum, constraints.maximum].compactMap(\.self) + constraints.excluded
        var divisors: [(step: Int, decimals: Int)] = []
        for divisor in constraints.divisors + constraints.nonDivisors {
            guard let scaled = divisor.scaled, scaled.value > 0, scaled.value <= Self.divisorLimit else {
                throw RegexError(message: "a divisor of more than \(Self.divisorLimit) steps")
            }
            divisors.append((scaled.value, scaled.decimals))
        }
        self.divisors = divisors
        let bounds = [
            constraints.minimum.map { $0.isZero && !constraints.excludesMinimum } ?? true,
            constraints.maximum.map { $0.isZero && !constraints.excludesMaximum } ?? true,
        ]
        allowsExponent =
            !constraints.isWhole && !constraints.isFractional && bounds.allSatisfy(\.self) && divisors.isEmpty
            && constraints.excluded.isEmpty
    }

    /// Phase, sign, whether a digit of the fraction was not 0, a comparison for each constant, then remainder and
    /// number of decimals for each divisor.
    private typealias State = [Int32]
    /// Decided comparisons. A comparison within the fraction is `inFraction` plus the number of equal digits.
    private static let less: Int32 = -1
    private static let greater: Int32 = -2
    private static let inFraction: Int32 = 1 << 20

    /// The cost of a transition here, in transitions of a table that is only filled.
    private static let cost = 8

    /// Numbers the reachable states breadth-first.
    private func build(within budget: CompileBudget) throws(RegexError) -> ByteAutomaton? {
        var states = NumberLists()
        _ = states.number(
            of: [Phase.start.rawValue, 0, 0] + constants.map { _ in 1 } + divisors.flatMap { _ in [0, 0] })
        var rows: [Int32] = []
        var accepting: [Bool] = []
        let alphabet = Array("0123456789-+.eE".utf8)
        defer { try? budget.spend(transitions: Self.cost * rows.count) }
        while accepting.count < states.count {
            let state = Array(states[Int32(accepting.count)])
            accepting.append(accepts(state))
            for byte in alphabet { rows.append(next(state, byte).map { states.number(of: $0) } ?? ByteAutomaton.dead) }
            guard states.count <= Self.stateLimit else {
                throw RegexError(message: "an automaton of more than \(Self.stateLimit) states")
            }
            try budget.allow(transitions: Self.cost * rows.count)
        }
        var classes = [UInt8](repeating: UInt8(alphabet.count), count: 256)
        for (number, byte) in alphabet.enumerated() { classes[Int(byte)] = UInt8(number) }
        let width = alphabet.count + 1
        var transitions: [Int32] = []
        for state in accepting.indices {
            transitions += rows[state * alphabet.count..<(state + 1) * alphabet.count]
            transitions.append(ByteAutomaton.dead)
        }
        return ByteAutomaton(
            classes: classes, classCount: width, transitions: transitions, accepting: accepting, start: 0
        ).trimmed()
    }

    /// The state after a byte; `nil` if the byte cannot come there.
    private func next(_ state: State, _ byte: UInt8) -> State? {
        guard let phase = Phase(rawValue: state[0]) else { return nil }
        var next = state
        func moved(_ phase: Phase) -> State {
            next[0] = phase.rawValue
            return next
        }
        let digit = byte &- 0x30
        switch (phase, byte) {
        case (.start, 0x2D):
            next[1] = 1
            return moved(.minus)
        case (.start, 0x30...0x39), (.minus, 0x30...0x39), (.whole, 0x30...0x39):
            consumeWhole(digit, &next)
            return moved(phase != .whole && digit == 0 ? .zero : .whole)
        case (.zero, 0x2E), (.whole, 0x2E):
            if constraints.isWhole { return nil }
            endWhole(&next)
            return moved(.point)
        case (.point, 0x30...0x39), (.fraction, 0x30...0x39):
            consumeFraction(digit, &next)
            return moved(.fraction)
        case (.zero, 0x65), (.zero, 0x45), (.whole, 0x65), (.whole, 0x45), (.fraction, 0x65), (.fraction, 0x45):
            if !allowsExponent { return nil }
            if phase != .fraction { endWhole(&next) }
            return moved(.exponent)
        case (.exponent, 0x2B), (.exponent, 0x2D): return moved(.sign)
        case (.exponent, 0x30...0x32), (.sign, 0x30...0x32): return moved(.small)
        case (.exponent, 0x30...0x39), (.sign, 0x30...0x39): return moved(.first)
        case (.small, 0x30...0x39): return moved(.first)
        case (.first, 0x30...0x39): return moved(.second)
        default: return nil
        }
    }

    /// Compares one more digit before the point, and updates the remainders.
    ///
    /// An open comparison is `3 * digits + order + 1`: the order of the digits so far counts only if the number of
    /// digits turns out equal.
    private func consumeWhole(_ digit: UInt8, _ state: inout State) {
        for (number, constant) in constants.enumerated() {
            let value = state[3 + number]
            if value < 0 { continue }
            let count = Int(value / 3)
            if count >= constant.whole.count {
                state[3 + number] = Self.greater
                continue
            }
            var ordering = value % 3 - 1
            if ordering == 0, digit != constant.whole[count] { ordering = digit < constant.whole[count] ? -1 : 1 }
            state[3 + number] = Int32(count + 1) * 3 + ordering + 1
        }
        for (number, divisor) in divisors.enumerated() {
            let slot = 3 + constants.count + number * 2
            state[slot] = (state[slot] * 10 + Int32(digit)) % Int32(divisor.step)
        }
    }

    /// Decides the comparisons by the number of digits before the point, or continues them in the fraction.
    private func endWhole(_ state: inout State) {
        for (number, constant) in constants.enumerated() {
            let value = state[3 + number]
            if value < 0 || value >= Self.inFraction { continue }
            let ordering = value % 3 - 1
            if Int(value / 3) < constant.whole.count || ordering < 0 {
                state[3 + number] = Self.less
            } else {
                state[3 + number] = ordering > 0 ? Self.greater : Self.inFraction
            }
        }
    }

    /// Compares one more digit after the point, and updates the remainders.
    private func consumeFraction(_ digit: UInt8, _ state: inout State) {
        if digit != 0 { state[2] = 1 }
        for (number, constant) in constants.enumerated() where state[3 + number] >= 0 {
            let position = Int(state[3 + number] - Self.inFraction)
            let other = position < constant.fraction.count ? constant.fraction[position] : 0
            if digit == other {
                state[3 + number] = Self.inFraction + Int32(min(position + 1, constant.fraction.count))
            } else {
                state[3 + number] = digit < other ? Self.less : Self.greater
            }
        }
        for (number, divisor) in divisors.enumerated() {
            let slot = 3 + constants.count + number * 2
            if state[slot + 1] == Int32(divisor.decimals) || state[slot + 1] < 0 {
                // A further digit that is not 0 can be no multiple of the divisor.
                if digit != 0 { state[slot + 1] = -1 }
            } else {
                state[slot] = (state[slot] * 10 + Int32(digit)) % Int32(divisor.step)
                state[slot + 1] += 1
            }
        }
    }

    /// Whether a number may end in a state.
    private func accepts(_ state: State) -> Bool {
        guard let phase = Phase(rawValue: state[0]) else { return false }
        switch phase {
        case .start, .minus, .point, .exponent, .sign: return false
        default: break
        }
        if constraints.isFractional, state[2] == 0 { return false }
        var orderings: [Int] = []
        var ended = state
        if phase == .zero || phase == .whole { endWhole(&ended) }
        for (number, constant) in constants.enumerated() {
            orderings.append(ordering(magnitude: ended[3 + number], constant, isNegative: state[1] != 0))
        }
        var position = 0
        if constraints.minimum != nil {
            if orderings[0] < 0 || orderings[0] == 0 && constraints.excludesMinimum { return false }
            position += 1
        }
        if constraints.maximum != nil {
            if orderings[position] > 0 || orderings[position] == 0 && constraints.excludesMaximum { return false }
            position += 1
        }
        if orderings[position...].contains(0) { return false }
        for (number, divisor) in divisors.enumerated() {
            let slot = 3 + constants.count + number * 2
            var remainder = Int(state[slot])
            if state[slot + 1] >= 0 {
                for _ in Int(state[slot + 1])..<divisor.decimals { remainder = remainder * 10 % divisor.step }
            }
            let isMultiple = state[slot + 1] >= 0 && remainder == 0
            if isMultiple != (number < constraints.divisors.count) { return false }
        }
        return true
    }

    /// The order of the number that was read and a constant: negative, 0 or positive.
    private func ordering(magnitude: Int32, _ constant: DecimalNumber, isNegative: Bool) -> Int {
        var ordering: Int
        switch magnitude {
        case Self.less: ordering = -1
        case Self.greater: ordering = 1
        default: ordering = Int(magnitude - Self.inFraction) < constant.fraction.count ? -1 : 0
        }
        if isNegative == constant.isNegative { return isNegative ? -ordering : ordering }
        if constant.isZero, ordering == 0 { return 0 }
        return isNegative ? -1 : 1
    }
}
