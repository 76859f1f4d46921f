/// Makes a deterministic automaton of one with choices: its states are the sets of states that may hold at once.
struct SubsetConstruction {
    private enum Before: Hashable {
        case start
        case word
        case other
    }
    private enum Next {
        case word
        case other
        case end
    }
    private struct Key: Hashable {
        var before: Before
        var states: [Int32]
    }

    private let graph: RegexGraph
    private let isAtStart: Bool
    private let budget: CompileBudget
    /// Visits of states, some 10 ns each, and how many the budget has.
    private var steps = 0
    private let stepLimit: Int
    private static let stepsOfBudget = 100
    private var marks: [Int32]
    private var mark: Int32 = 0

    init(graph: RegexGraph, isAtStart: Bool, budget: CompileBudget) {
        self.graph = graph
        self.isAtStart = isAtStart
        self.budget = budget
        stepLimit = min(budget.left, Int.max / Self.stepsOfBudget) * Self.stepsOfBudget
        marks = [Int32](repeating: 0, count: graph.count)
    }

    mutating func run() throws(RegexError) -> CharacterAutomaton {
        defer { _ = budget.spend(steps / Self.stepsOfBudget) }
        let alphabet = Alphabet(separating: graph.sets + (graph.hasBoundaries ? [.word] : []))
        let width = alphabet.classCount
        let classesOfSet = graph.sets.map { alphabet.classes(in: $0) }
        var isWord = [Bool](repeating: false, count: width)
        for number in alphabet.classes(in: .word) { isWord[number] = true }

        let first = Key(before: isAtStart ? .start : .other, states: [graph.start])
        var numbers: [Key: Int32] = [first: 0]
        var keys = [first]
        var transitions: [Int32] = []
        var accepting: [Bool] = []
        var universal: Int32?
        var position = 0
        while position < keys.count {
            let key = keys[position]
            position += 1
            if key.states.isEmpty {
                // The one state in which anything may follow.
                accepting.append(true)
                transitions += [Int32](repeating: Int32(position - 1), count: width)
                continue
            }
            accepting.append(try closure(of: key, next: .end).isDone)
            var targets = [[Int32]](repeating: [], count: width)
            var isDone = [Bool](repeating: false, count: width)
            for kind in graph.hasBoundaries ? [Next.word, .other] : [.other] {
                let (states, done) = try closure(of: key, next: kind)
                let concerned = (0..<width).filter { !graph.hasBoundaries || isWord[$0] == (kind == .word) }
                if done {
                    for number in concerned { isDone[number] = true }
                    continue
                }
                for state in states {
                    for step in graph.steps[Int(state)] {
                        for number in classesOfSet[Int(step.set)]
                        where !graph.hasBoundaries || isWord[number] == (kind == .word) {
                            targets[number].append(step.target)
                            steps += 1
                        }
                    }
                }
                try checkSteps()
            }
            steps += width
            for number in 0..<width {
                if isDone[number] {
                    if universal == nil {
                        universal = Int32(keys.count)
                        keys.append(Key(before: .other, states: []))
                    }
                    transitions.append(universal ?? 0)
                    continue
                }
                if targets[number].isEmpty {
                    transitions.append(CharacterAutomaton.dead)
                    continue
                }
                let before: Before = graph.hasBoundaries && isWord[number] ? .word : .other
                let next = Key(before: before, states: unique(targets[number]))
                if let known = numbers[next] {
                    transitions.append(known)
                } else {
                    guard keys.count < CharacterAutomaton.stateLimit else { throw CharacterAutomaton.tooLarge }
                    numbers[next] = Int32(keys.count)
                    transitions.append(Int32(keys.count))
                    keys.append(next)
                }
            }
        }
        return CharacterAutomaton(alphabet: alphabet, transitions: transitions, accepting: accepting)
    }

    private func checkSteps() throws(RegexError) {
        guard steps <= stepLimit else { throw RegexError(message: "an expression that costs too much to compile") }
    }

    private mutating func unique(_ states: [Int32]) -> [Int32] {
        mark += 1
        var kept: [Int32] = []
        for state in states where marks[Int(state)] != mark {
            marks[Int(state)] = mark
            kept.append(state)
        }
        return kept.sorted()
    }

    /// All states that are reached without a scalar between what stood before and what is `next`.
    ///
    /// - Returns: also whether the text, or this part of it, matches whatever follows.
    private mutating func closure(of key: Key, next: Next) throws(RegexError) -> (states: [Int32], isDone: Bool) {
        mark += 1
        var reached: [Int32] = []
        var work = key.states
        for state in work { marks[Int(state)] = mark }
        var isDone = false
        while let state = work.popLast() {
            reached.append(state)
            if state == graph.end, graph.acceptsAnyRest || next == .end { isDone = true }
            for jump in graph.jumps[Int(state)] where marks[Int(jump.target)] != mark {
                guard isOpen(jump.condition, before: key.before, next: next) else { continue }
                marks[Int(jump.target)] = mark
                work.append(jump.target)
            }
        }
        steps += reached.count
        try checkSteps()
        return (reached, isDone)
    }

    private func isOpen(_ condition: RegexSyntax.Assertion?, before: Before, next: Next) -> Bool {
        switch condition {
        case nil: true
        case .start: before == .start
        case .end: next == .end
        case .wordBoundary: (before == .word) != (next == .word)
        case .noWordBoundary: (before == .word) == (next == .word)
        }
    }
}
