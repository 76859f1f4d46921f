/// Makes automata of regular expressions.
///
/// The expression becomes an automaton with choices (after Thompson), whose sets of states become the states of a
/// deterministic one. An assertion is a step that takes no scalar and is open only in its place. A lookahead is
/// compiled away: what follows it is intersected with it.
struct RegexCompiler {
    static let choiceStateLimit = 20_000
    /// The texts in which `pattern` matches somewhere.
    static func search(
        _ pattern: String, _ budget: CompileBudget = CompileBudget()
    ) throws(RegexError) -> ScalarAutomaton {
        try search(RegexParser.parse(pattern), budget)
    }

    static func search(_ syntax: RegexSyntax, _ budget: CompileBudget) throws(RegexError) -> ScalarAutomaton {
        try RegexCompiler(budget: budget).automaton(of: syntax, mode: .anywhere)
    }

    private let budget: CompileBudget

    enum Mode {
        /// The expression may match anywhere in the text.
        case anywhere
        /// It matches from the beginning of the text; more may follow.
        case fromStart
        /// As `fromStart`, but the text is the rest of a longer one.
        case fromMiddle
    }

    private func automaton(of syntax: RegexSyntax, mode: Mode) throws(RegexError) -> ScalarAutomaton {
        guard syntax.containsLookahead else {
            return try compiled([syntax], mode: mode, then: nil)
        }
        if case .choice(let alternatives) = syntax {
            var union = try automaton(of: alternatives[0], mode: mode)
            for alternative in alternatives.dropFirst() {
                union = try counted(union.union(try automaton(of: alternative, mode: mode)))
            }
            return union
        }
        let terms = Self.flattened(syntax)
        guard let position = terms.firstIndex(where: \.containsLookahead) else {
            return try compiled(terms, mode: mode, then: nil)
        }
        let rest = RegexSyntax.sequence(Array(terms[(position + 1)...]))
        let before = Array(terms[..<position])
        let isAtStart =
            mode != .fromMiddle && before.contains(.assertion(.start))
            && before.allSatisfy { $0 == .assertion(.start) }
        let isBare = isAtStart || (before.isEmpty && mode != .anywhere)
        let restMode: Mode = isBare && mode != .fromMiddle ? .fromStart : .fromMiddle
        var tail: ScalarAutomaton
        switch terms[position] {
        case .lookahead(let ahead, let negated):
            let looked = try automaton(of: ahead, mode: restMode)
            let wanted = negated ? looked.complement : looked
            tail = try counted(try automaton(of: rest, mode: restMode).intersection(wanted))
        case .choice(let alternatives):
            tail = .nothing
            for alternative in alternatives {
                tail = try counted(
                    tail.union(try automaton(of: .sequence([alternative, rest]), mode: restMode)))
            }
        default: throw RegexError(message: "a lookahead inside a repetition")
        }
        return isBare ? tail : try compiled(before, mode: mode, then: tail)
    }

    /// Sequences inside sequences taken apart.
    static func flattened(_ syntax: RegexSyntax) -> [RegexSyntax] {
        guard case .sequence(let parts) = syntax else { return [syntax] }
        return parts.flatMap(flattened)
    }

    private func counted(_ automaton: ScalarAutomaton) throws(RegexError) -> ScalarAutomaton {
        try budget.spend(transitions: automaton.transitions.count)
        return automaton
    }

    /// - Parameter tail: what the rest of the text must be; `nil` = anything.
    private func compiled(
        _ terms: [RegexSyntax], mode: Mode, then tail: ScalarAutomaton?
    ) throws(RegexError) -> ScalarAutomaton {
        if mode == .fromMiddle, terms.contains(where: \.looksBehind) {
            throw RegexError(message: "a lookahead beside an assertion of what stands before")
        }
        var graph = RegexGraph()
        if mode == .anywhere { graph.addStep(from: graph.start, .all, to: graph.start) }
        var end = try graph.add(.sequence(terms), from: graph.start)
        if let tail {
            end = try graph.add(tail, from: end)
        } else {
            graph.acceptsAnyRest = true
        }
        graph.end = end
        var construction = SubsetConstruction(graph: graph, isAtStart: mode != .fromMiddle, budget: budget)
        return try construction.run().minimized
    }
}

/// An automaton with choices: several steps may be open at once.
struct RegexGraph {
    /// A way to another state by a scalar of a set.
    struct Step {
        var set: Int32
        var target: Int32
        /// The step from the same state before this one, or -1.
        var earlier: Int32
    }
    /// A way to another state without a scalar.
    struct Jump {
        var condition: RegexSyntax.Assertion?
        var target: Int32
        /// The jump from the same state before this one, or -1.
        var earlier: Int32
    }

    let start: Int32 = 0
    var end: Int32 = 0
    /// Whether anything may follow once the end is reached.
    var acceptsAnyRest = false
    private(set) var steps: [Step] = []
    private(set) var jumps: [Jump] = []
    /// Of each state, its last step and its last jump, or -1.
    private var lastSteps: [Int32] = [-1]
    private var lastJumps: [Int32] = [-1]
    private(set) var sets: [ScalarSet] = []
    private(set) var hasBoundaries = false
    private var setNumbers: [ScalarSet: Int32] = [:]

    /// States.
    var count: Int { lastSteps.count }

    func lastStep(from state: Int32) -> Int32 { lastSteps[Int(state)] }

    func lastJump(from state: Int32) -> Int32 { lastJumps[Int(state)] }

    private mutating func state() throws(RegexError) -> Int32 {
        guard count < RegexCompiler.choiceStateLimit else {
            throw RegexError(message: "an expression of more than \(RegexCompiler.choiceStateLimit) states")
        }
        lastSteps.append(-1)
        lastJumps.append(-1)
        return Int32(count - 1)
    }

    private mutating func number(of set: ScalarSet) -> Int32 {
        if let number = setNumbers[set] { return number }
        sets.append(set)
        setNumbers[set] = Int32(sets.count - 1)
        return Int32(sets.count - 1)
    }

    mutating func addStep(from source: Int32, _ set: ScalarSet, to target: Int32) {
        addStep(from: source, number(of: set), to: target)
    }

    private mutating func addStep(from source: Int32, _ number: Int32, to target: Int32) {
        steps.append(Step(set: number, target: target, earlier: lastSteps[Int(source)]))
        lastSteps[Int(source)] = Int32(steps.count - 1)
    }

    private mutating func addJump(from source: Int32, to target: Int32, if condition: RegexSyntax.Assertion? = nil) {
        jumps.append(Jump(condition: condition, target: target, earlier: lastJumps[Int(source)]))
        lastJumps[Int(source)] = Int32(jumps.count - 1)
    }

    /// Adds what `syntax` matches behind `source`.
    ///
    /// - Returns: the state behind it. Calls itself as deep as the expression is nested, which its parser limits.
    mutating func add(_ syntax: RegexSyntax, from source: Int32) throws(RegexError) -> Int32 {
        switch syntax {
        case .set(let set):
            let target = try state()
            addStep(from: source, set, to: target)
            return target
        case .sequence(let parts):
            var last = source
            for part in parts { last = try add(part, from: last) }
            return last
        case .choice(let alternatives):
            let end = try state()
            for alternative in alternatives {
                // A state of its own, so that a loop in one alternative does not open the others.
                let first = try state()
                addJump(from: source, to: first)
                addJump(from: try add(alternative, from: first), to: end)
            }
            return end
        case .repetition(let part, let minimum, let maximum):
            var last = source
            for _ in 0..<minimum { last = try add(part, from: last) }
            if let maximum {
                let end = try state()
                for _ in minimum..<maximum {
                    addJump(from: last, to: end)
                    last = try add(part, from: last)
                }
                addJump(from: last, to: end)
                return end
            }
            let loop = try state()
            addJump(from: last, to: loop)
            addJump(from: try add(part, from: loop), to: loop)
            let end = try state()
            addJump(from: loop, to: end)
            return end
        case .assertion(let assertion):
            if assertion == .wordBoundary || assertion == .noWordBoundary { hasBoundaries = true }
            let target = try state()
            addJump(from: source, to: target, if: assertion)
            return target
        case .lookahead: throw RegexError(message: "a lookahead inside a repetition")
        }
    }

    /// Adds a deterministic automaton behind `source`.
    mutating func add(_ automaton: ScalarAutomaton, from source: Int32) throws(RegexError) -> Int32 {
        let sets = automaton.alphabet.sets.map { number(of: $0) }
        let end = try state()
        var numbers: [Int32] = []
        for _ in 0..<automaton.stateCount { numbers.append(try state()) }
        addJump(from: source, to: numbers[0])
        for index in 0..<automaton.stateCount {
            if automaton.accepting[index] { addJump(from: numbers[index], to: end) }
            for column in sets.indices {
                let next = automaton.next(Int32(index), class: column)
                if next != ScalarAutomaton.dead {
                    addStep(from: numbers[index], sets[column], to: numbers[Int(next)])
                }
            }
        }
        return end
    }
}
