/// Compiles regular expressions to deterministic automata over Unicode scalars.
///
///     pattern --RegexParser--> syntax --RegexGraph--> graph (after Thompson) --SubsetConstruction--> automaton
///     --minimized--> smallest automaton (after Hopcroft)
///
/// An assertion such as `^` is a jump that consumes no scalar and is open only at certain positions. A lookahead has no
/// states: the automaton of the rest of the expression is intersected with the automaton of the lookahead.
///
/// - Complexity: exponential in the expression in the worst case, e.g. for `(a|b)*a(a|b){20}`. The limit of 10,000
///   states and the budget stop it.
struct RegexCompiler {
    /// The largest number of states of a graph.
    static let choiceStateLimit = 20_000
    /// The texts in which `pattern` matches somewhere.
    ///
    /// - Throws: the reason why there is no such automaton, as one clause.
    static func search(
        _ pattern: String, _ budget: CompileBudget = CompileBudget()
    ) throws(RegexError) -> ScalarAutomaton {
        try search(RegexParser.parse(pattern), budget)
    }

    /// The texts in which a parsed expression matches somewhere.
    static func search(_ syntax: RegexSyntax, _ budget: CompileBudget) throws(RegexError) -> ScalarAutomaton {
        try RegexCompiler(budget: budget).automaton(of: syntax, mode: .anywhere)
    }

    private let budget: CompileBudget

    /// The position at which an expression is matched.
    enum Mode {
        /// At any position of the text.
        case anywhere
        /// At the beginning of the text; any text may follow.
        case fromStart
        /// At the beginning of a text that is the rest of a longer one, so that `^` and `\b` cannot be decided.
        case fromMiddle
    }

    /// The automaton of an expression; lookaheads are compiled away from left to right.
    ///
    /// Alternatives with lookaheads are compiled apart and united. In a sequence the part before the first lookahead is
    /// followed by the automaton of the rest.
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

    /// The terms of a sequence; nested sequences are dissolved.
    static func flattened(_ syntax: RegexSyntax) -> [RegexSyntax] {
        guard case .sequence(let parts) = syntax else { return [syntax] }
        return parts.flatMap(flattened)
    }

    /// Uses the steps for an automaton that was built.
    private func counted(_ automaton: ScalarAutomaton) throws(RegexError) -> ScalarAutomaton {
        try budget.spend(transitions: automaton.transitions.count)
        return automaton
    }

    /// Compiles terms without lookaheads.
    ///
    /// - Parameter tail: the texts that may follow; `nil` for any.
    private func compiled(
        _ terms: [RegexSyntax], mode: Mode, then tail: ScalarAutomaton?
    ) throws(RegexError) -> ScalarAutomaton {
        if mode == .fromMiddle, terms.contains(where: \.looksBehind) {
            throw RegexError(message: "a lookahead next to an assertion about the preceding text")
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

/// A nondeterministic automaton: several states may be active at once.
///
/// Steps and jumps of a state form linked lists through shared arrays, so that adding one allocates nothing.
struct RegexGraph {
    /// A transition by a scalar of a set.
    struct Step {
        var set: Int32
        var target: Int32
        /// The previous step from the same state, or -1.
        var earlier: Int32
    }
    /// A transition without a scalar, open if its assertion holds.
    struct Jump {
        var condition: RegexSyntax.Assertion?
        var target: Int32
        /// The previous jump from the same state, or -1.
        var earlier: Int32
    }

    let start: Int32 = 0
    var end: Int32 = 0
    /// Whether any text may follow after the end state.
    var acceptsAnyRest = false
    private(set) var steps: [Step] = []
    private(set) var jumps: [Jump] = []
    /// The last step and the last jump of each state, or -1.
    private var lastSteps: [Int32] = [-1]
    private var lastJumps: [Int32] = [-1]
    private(set) var sets: [ScalarSet] = []
    private(set) var hasBoundaries = false
    private var setNumbers: [ScalarSet: Int32] = [:]

    /// The number of states.
    var count: Int { lastSteps.count }

    /// The last step from a state, or -1; the others follow through `earlier`.
    func lastStep(from state: Int32) -> Int32 { lastSteps[Int(state)] }

    /// The last jump from a state, or -1.
    func lastJump(from state: Int32) -> Int32 { lastJumps[Int(state)] }

    /// Adds a state.
    private mutating func state() throws(RegexError) -> Int32 {
        guard count < RegexCompiler.choiceStateLimit else {
            throw RegexError(message: "an expression of more than \(RegexCompiler.choiceStateLimit) states")
        }
        lastSteps.append(-1)
        lastJumps.append(-1)
        return Int32(count - 1)
    }

    /// The number of a set of scalars; equal sets have one number.
    private mutating func number(of set: ScalarSet) -> Int32 {
        if let number = setNumbers[set] { return number }
        sets.append(set)
        setNumbers[set] = Int32(sets.count - 1)
        return Int32(sets.count - 1)
    }

    /// Adds a step by a scalar of a set.
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

    /// Adds the texts of `syntax` after `source`. A counted repetition is written out as copies.
    ///
    /// - Returns: the state after it.
    /// - Complexity: the recursion is as deep as the groups are nested, which the parser limits to 100.
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
                // Each alternative has a state of its own, so that a loop in one does not open the others.
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

    /// Adds a deterministic automaton after `source`.
    ///
    /// - Returns: the state after it.
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
