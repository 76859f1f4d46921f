/// Makes a deterministic automaton of one with choices: its states are the sets of states that may hold at once.
///
/// Scalars that no step of such a set tells apart are looked at together.
struct SubsetConstruction {
    /// Below all numbers of states, so that it stands in front of them.
    private enum Before: Int32 {
        case start = -4
        case word = -3
        case other = -2
    }
    private enum Next {
        case word, other
    }
    /// Scalars that none of some sets tells apart, put together.
    private struct Grouping {
        /// Those of `set` and of the group that this one was split from, or of no set.
        struct Group {
            var set: Int32
            var earlier: Int32
        }

        /// The first has the scalars that are in none of the sets.
        var groups = [Group(set: -1, earlier: -1)]
        /// For each class, its group.
        var numbers: [Int32]
    }

    private let graph: RegexGraph
    private let isAtStart: Bool
    private let budget: CompileBudget
    /// Visits of states, some 15 ns each, and how many the budget has.
    private var steps = 0
    private let stepLimit: Int
    private static let stepsOfBudget = 75
    private var marks: [Int32]
    private var mark: Int32 = 0

    /// Of each state what stood before it, then the states that may hold at once, ascending.
    private var subsets = NumberLists()
    /// States that are reached from a subset without a scalar.
    private var reached: [Int32] = []
    private var work: [Int32] = []
    /// Where the jumps lead that are open at the end of the text alone.
    private var endJumps: [Int32] = []
    /// By the sets that are in use, of which many states have the same.
    private var groupings: [Grouping] = []
    private var setLists = NumberLists()
    /// For each group, the state that it leads to, or `unknown`.
    private var targets: [Int32] = []
    /// The sets of the steps from the reached states, ascending; for each its steps, as a list through `chosen`.
    private var setsInUse: [Int32] = []
    private var lastOfSet: [Int32]
    private var chosen: [(target: Int32, earlier: Int32)] = []

    private static let unknown: Int32 = -2
    /// What the state consists of in which anything may follow.
    private static let universal: Int32 = -1

    private let alphabet: Alphabet
    /// For each set, its classes.
    private let classesOfSet: [[Int]]
    private let isWord: [Bool]

    init(graph: RegexGraph, isAtStart: Bool, budget: CompileBudget) {
        self.graph = graph
        self.isAtStart = isAtStart
        self.budget = budget
        stepLimit = min(budget.left, Int.max / Self.stepsOfBudget) * Self.stepsOfBudget
        marks = [Int32](repeating: 0, count: graph.count)
        let alphabet = Alphabet(separating: graph.sets + (graph.hasBoundaries ? [.word] : []))
        self.alphabet = alphabet
        classesOfSet = graph.sets.map { alphabet.classes(in: $0) }
        lastOfSet = [Int32](repeating: -1, count: graph.sets.count)
        var isWord = [Bool](repeating: false, count: alphabet.classCount)
        if graph.hasBoundaries {
            for number in alphabet.classes(in: .word) { isWord[number] = true }
        }
        self.isWord = isWord
    }

    mutating func run() throws(RegexError) -> ScalarAutomaton {
        defer { _ = budget.spend(steps / Self.stepsOfBudget) }
        let width = alphabet.classCount
        _ = subsets.number(of: [(isAtStart ? Before.start : .other).rawValue, graph.start])
        var transitions: [Int32] = []
        var accepting: [Bool] = []
        var universal: Int32?
        while accepting.count < subsets.count {
            let number = Int32(accepting.count)
            let row = transitions.count
            transitions += repeatElement(ScalarAutomaton.dead, count: width)
            steps += width
            if number == universal {
                // The one state in which anything may follow.
                accepting.append(true)
                for column in row..<row + width { transitions[column] = number }
                continue
            }
            accepting.append(false)
            for kind in graph.hasBoundaries ? [Next.word, .other] : [.other] {
                let (isDone, isAccepting) = try close(number, next: kind)
                if kind == .other { accepting[Int(number)] = isAccepting }
                if isDone {
                    let target = subsets.number(of: [Self.universal])
                    universal = target
                    for column in 0..<width where isConcerned(column, kind) { transitions[row + column] = target }
                    continue
                }
                let grouping = grouping()
                targets.removeAll(keepingCapacity: true)
                targets.append(ScalarAutomaton.dead)
                targets += repeatElement(Self.unknown, count: grouping.groups.count - 1)
                for column in 0..<width where isConcerned(column, kind) {
                    let group = Int(grouping.numbers[column])
                    if targets[group] == Self.unknown {
                        targets[group] = try target(of: group, grouping, before: kind == .word ? .word : .other)
                    }
                    transitions[row + column] = targets[group]
                }
                try checkSteps()
            }
        }
        return ScalarAutomaton(alphabet: alphabet, transitions: transitions, accepting: accepting)
    }

    private func isConcerned(_ column: Int, _ kind: Next) -> Bool {
        !graph.hasBoundaries || isWord[column] == (kind == .word)
    }

    private func checkSteps() throws(RegexError) {
        guard steps <= stepLimit else { throw RegexError(message: "an expression that costs too much to compile") }
    }

    /// Puts into `reached` all states that are reached without a scalar between what stood before and what is `next`.
    ///
    /// - Returns: whether the text, or this part of it, matches whatever follows; and whether it does where it ends,
    ///   which is asked when `next` is no part of a word.
    private mutating func close(_ subset: Int32, next: Next) throws(RegexError) -> (isDone: Bool, isAccepting: Bool) {
        mark += 1
        reached.removeAll(keepingCapacity: true)
        let own = subsets[subset]
        let before = own.first.flatMap { Before(rawValue: $0) } ?? .other
        work.removeAll(keepingCapacity: true)
        work += own.dropFirst()
        for state in work { marks[Int(state)] = mark }
        let isDone = follow(before, next, isEnd: false) && graph.acceptsAnyRest
        let count = reached.count
        // At the end some more steps are open, and none fewer.
        var isAccepting = marks[Int(graph.end)] == mark
        if !isAccepting, next == .other, !endJumps.isEmpty {
            for target in endJumps where marks[Int(target)] != mark {
                marks[Int(target)] = mark
                work.append(target)
            }
            isAccepting = follow(before, next, isEnd: true)
        }
        steps += reached.count
        reached.removeLast(reached.count - count)
        try checkSteps()
        return (isDone, isAccepting)
    }

    /// Takes all jumps from the states in `work`.
    ///
    /// - Returns: whether the last state was reached.
    private mutating func follow(_ before: Before, _ next: Next, isEnd: Bool) -> Bool {
        endJumps.removeAll(keepingCapacity: true)
        while let state = work.popLast() {
            reached.append(state)
            var edge = graph.lastJump(from: state)
            while edge >= 0 {
                let jump = graph.jumps[Int(edge)]
                edge = jump.earlier
                guard marks[Int(jump.target)] != mark else { continue }
                let isOpen =
                    switch jump.condition {
                    case nil: true
                    case .start: before == .start
                    case .end: isEnd
                    case .wordBoundary: (before == .word) != (next == .word)
                    case .noWordBoundary: (before == .word) == (next == .word)
                    }
                if isOpen {
                    marks[Int(jump.target)] = mark
                    work.append(jump.target)
                } else if jump.condition == .end {
                    endJumps.append(jump.target)
                }
            }
        }
        return marks[Int(graph.end)] == mark
    }

    /// Finds the steps from the reached states, and which scalars they tell apart.
    private mutating func grouping() -> Grouping {
        for set in setsInUse { lastOfSet[Int(set)] = -1 }
        setsInUse.removeAll(keepingCapacity: true)
        chosen.removeAll(keepingCapacity: true)
        for state in reached {
            var edge = graph.lastStep(from: state)
            while edge >= 0 {
                let step = graph.steps[Int(edge)]
                edge = step.earlier
                let last = lastOfSet[Int(step.set)]
                if last < 0 { setsInUse.append(step.set) }
                chosen.append((step.target, last))
                lastOfSet[Int(step.set)] = Int32(chosen.count - 1)
            }
        }
        setsInUse.sort()
        let number = Int(setLists.number(of: setsInUse))
        if number == groupings.count { groupings.append(newGrouping()) }
        return groupings[number]
    }

    private mutating func newGrouping() -> Grouping {
        var grouping = Grouping(numbers: [Int32](repeating: 0, count: alphabet.classCount))
        for set in setsInUse {
            // For each group, the one that it becomes within the set.
            var within = [Int32](repeating: -1, count: grouping.groups.count)
            for column in classesOfSet[Int(set)] {
                let group = grouping.numbers[column]
                if within[Int(group)] < 0 {
                    within[Int(group)] = Int32(grouping.groups.count)
                    grouping.groups.append(.init(set: set, earlier: group))
                }
                grouping.numbers[column] = within[Int(group)]
            }
            steps += classesOfSet[Int(set)].count
        }
        return grouping
    }

    /// The state that the scalars of a group lead to.
    private mutating func target(
        of group: Int, _ grouping: Grouping, before: Before
    ) throws(RegexError) -> Int32 {
        mark += 1
        work.removeAll(keepingCapacity: true)
        var edge = group
        while edge > 0 {
            var step = lastOfSet[Int(grouping.groups[edge].set)]
            while step >= 0 {
                let (target, earlier) = chosen[Int(step)]
                step = earlier
                steps += 1
                guard marks[Int(target)] != mark else { continue }
                marks[Int(target)] = mark
                work.append(target)
            }
            edge = Int(grouping.groups[edge].earlier)
        }
        work.append((graph.hasBoundaries ? before : .other).rawValue)
        work.sort()
        // To be put in order and found again.
        steps += work.count
        let number = subsets.number(of: work)
        guard number < ScalarAutomaton.stateLimit else { throw ScalarAutomaton.tooLarge }
        return number
    }
}
