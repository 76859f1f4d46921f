/// Determinizes a graph: a state of the result is the set of states that may be active at once (Rabin and Scott).
///
/// Each set also has what stood before the position (the start, a word character, another character), so that `^` and
/// `\b` can be decided. Scalars that no step of a set distinguishes form a group, and each group is followed once.
///
/// - Complexity: up to 2^n sets for n states. The limit of states and the budget stop it.
struct SubsetConstruction {
    /// The character before the position. The raw values are below all numbers of states and so come first in a
    /// sorted list.
    private enum Before: Int32 {
        case start = -4
        case word = -3
        case other = -2
    }
    /// The character after the position.
    private enum Next {
        case word, other
    }
    /// Groups of scalar classes that none of some sets distinguishes.
    private struct Grouping {
        /// The scalars of `set` in the group that this one was split from, or of no set.
        struct Group {
            var set: Int32
            var earlier: Int32
        }

        /// The groups; group 0 has the scalars that are in none of the sets.
        var groups = [Group(set: -1, earlier: -1)]
        /// The group of each class.
        var numbers: [Int32]
    }

    private let graph: RegexGraph
    private let isAtStart: Bool
    private let budget: CompileBudget
    /// Visits of states, of some 15 ns each.
    private var steps = 0
    private let stepLimit: Int
    private static let stepsOfBudget = 75
    private var marks: [Int32]
    private var mark: Int32 = 0

    /// For each state of the result: the character before, then the active states in ascending order.
    private var subsets = NumberLists()
    /// The states that are reached from a set without a scalar.
    private var reached: [Int32] = []
    private var work: [Int32] = []
    /// The targets of jumps that are open only at the end of the text.
    private var endJumps: [Int32] = []
    /// Groupings by the list of sets in use; many states have the same list.
    private var groupings: [Grouping] = []
    private var setLists = NumberLists()
    /// The state that each group leads to, or `unknown`.
    private var targets: [Int32] = []
    /// The sets of the steps from reached states, ascending, and for each its steps as a list through `chosen`.
    private var setsInUse: [Int32] = []
    private var lastOfSet: [Int32]
    private var chosen: [(target: Int32, earlier: Int32)] = []

    private static let unknown: Int32 = -2
    /// The mark of the state after which any text may follow.
    private static let universal: Int32 = -1

    private let alphabet: Alphabet
    /// The classes of each set.
    private let classesOfSet: [[Int]]
    private let isWord: [Bool]

    /// Creates a construction.
    ///
    /// - Parameter isAtStart: whether the text begins here, so that `^` holds.
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

    /// Builds the automaton, set by set in the order in which they are met.
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
                // The one state after which any text may follow.
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

    /// Whether a class belongs to a kind of next character.
    private func isConcerned(_ column: Int, _ kind: Next) -> Bool {
        !graph.hasBoundaries || isWord[column] == (kind == .word)
    }

    /// Throws when the budget is used up.
    private func checkSteps() throws(RegexError) {
        guard steps <= stepLimit else { throw RegexError(message: "an expression that costs too much to compile") }
    }

    /// Collects in `reached` all states that a set reaches without a scalar, given the characters before and after.
    ///
    /// - Returns: whether any rest of the text matches; and whether the text matches if it ends here. The second is
    ///   only valid for `next == .other`.
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
        // At the end of the text further jumps are open, and none is closed.
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

    /// Follows all open jumps from the states in `work`.
    ///
    /// - Returns: whether the end state was reached.
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

    /// Collects the steps from the reached states, and the grouping of scalars by their sets.
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

    /// Splits the classes by each set in use.
    private mutating func newGrouping() -> Grouping {
        var grouping = Grouping(numbers: [Int32](repeating: 0, count: alphabet.classCount))
        for set in setsInUse {
            // The group that each group becomes inside of the set.
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

    /// The set of states that the scalars of a group lead to, as a state of the result.
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
        // Sorting and looking up count as visits.
        steps += work.count
        let number = subsets.number(of: work)
        guard number < ScalarAutomaton.stateLimit else { throw ScalarAutomaton.tooLarge }
        return number
    }
}
