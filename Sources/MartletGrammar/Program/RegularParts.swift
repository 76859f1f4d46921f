/// Finds the parts of a grammar that need no stack and replaces each by an automaton.
///
/// An optimization only: strings, numbers and white space then are one thread instead of several. Large parts stay as
/// they are, as does everything after the budget is used up.
struct RegularParts {
    /// The automaton of each expression that was replaced.
    private(set) var automata: [Int32: ByteAutomaton] = [:]

    private let source: ProgramSource
    /// The number of positions of each expression when written out, or `tooLarge`.
    private var sizes: [Int32]
    /// Whether the expression contains a repetition. Only then is an automaton worth its table.
    private var repeats: [Bool]
    /// The steps that were used.
    private var work = 0

    private static let tooLarge = Int32.max
    /// The largest size of an expression that is replaced, in positions; and the largest number of states of its
    /// automaton.
    private static let largest: Int32 = 96
    private static let mostStates = 128
    /// The steps for one grammar.
    private static let mostWork = 50_000
    /// The passes over all expressions. A rule may refer to a later one, so that one pass is not enough.
    private static let passes = 4

    init(_ source: ProgramSource) {
        self.source = source
        sizes = [Int32](repeating: Self.tooLarge, count: source.expressions.count)
        repeats = [Bool](repeating: false, count: source.expressions.count)
        for _ in 0..<Self.passes {
            for index in sizes.indices { measure(index) }
        }
        collect()
    }

    /// Computes the size of an expression from the sizes of its parts.
    private mutating func measure(_ index: Int) {
        let size: Int32
        switch source.expressions[index] {
        // Item bounds depend on the text before, so that they are in no automaton.
        case .never, .itemBound: return
        case .empty: size = 0
        case .literal(let bytes): size = Int32(clamping: bytes.count)
        case .set: size = 1
        case .automaton(let number):
            let automaton = source.automata[Int(number)]
            // With the count in the state there would be too many states.
            if automaton.counting != nil { return }
            size = Int32(automaton.stateCount)
        case .token(let term):
            guard case .bytes(let bytes) = source.terms[term] else { return }
            size = Int32(clamping: bytes.count)
        case .sequence(let parts), .choice(let parts):
            var sum: Int32 = 0
            for part in parts {
                guard sizes[Int(part)] <= Self.largest, sum <= Self.largest else { return }
                sum += sizes[Int(part)]
                if repeats[Int(part)] { repeats[index] = true }
            }
            size = sum
        case .repetition(let body, let minimum, let maximum):
            let times = maximum ?? max(1, minimum)
            guard sizes[Int(body)] <= Self.largest, times <= Self.largest else { return }
            size = sizes[Int(body)] * times
            repeats[index] = repeats[Int(body)] || maximum != 1
        case .reference(let rule):
            let body = Int(source.bodies[Int(rule)])
            size = sizes[body]
            repeats[index] = repeats[body]
        }
        sizes[index] = size <= Self.largest ? size : Self.tooLarge
    }

    /// Replaces parts from the root downwards, so that the largest come first.
    private mutating func collect() {
        var seen = [Bool](repeating: false, count: source.expressions.count)
        var pending = [source.root]
        while let index = pending.popLast() {
            guard !seen[Int(index)] else { continue }
            seen[Int(index)] = true
            if sizes[Int(index)] <= Self.largest, repeats[Int(index)], collapse(index) { continue }
            switch source.expressions[Int(index)] {
            case .reference(let rule): pending.append(source.bodies[Int(rule)])
            case .repetition(let body, let minimum, let maximum):
                // The body of a counter: one thread for each count.
                let isCounted = (minimum, maximum) != (0, 1) && (maximum != nil || minimum > 1)
                if isCounted, sizes[Int(body)] <= Self.largest, collapse(body) {
                    seen[Int(body)] = true
                } else {
                    pending.append(body)
                }
            case let other: pending += other.children
            }
        }
    }

    /// Builds the automaton of an expression by exploring its configurations, which are its states.
    ///
    /// - Returns: whether the expression is an automaton now.
    private mutating func collapse(_ index: Int32) -> Bool {
        if automata[index] != nil { return true }
        if case .automaton = source.expressions[Int(index)] { return true }
        guard work < Self.mostWork else { return false }
        var store = ConfigurationStore(program: ProgramBuilder(source: source).program(for: index))
        var order = [store.start()]
        // States by configuration; `dead` if a configuration has no state yet.
        var states = [Int32](repeating: ByteAutomaton.dead, count: Int(order[0]) + 1)
        states[Int(order[0])] = 0
        var transitions: [Int32] = []
        var position = 0
        while position < order.count {
            let configuration = order[position]
            work += store.stride
            for byteClass in 0..<store.stride {
                let next = store.step(configuration, UInt8(byteClass))
                guard next != ConfigurationStore.dead else {
                    transitions.append(ByteAutomaton.dead)
                    continue
                }
                let missing = Int(next) + 1 - states.count
                if missing > 0 { states += repeatElement(ByteAutomaton.dead, count: missing) }
                if states[Int(next)] == ByteAutomaton.dead {
                    guard order.count < Self.mostStates else { return false }
                    states[Int(next)] = Int32(order.count)
                    order.append(next)
                }
                transitions.append(states[Int(next)])
            }
            position += 1
        }
        automata[index] = ByteAutomaton(
            validating: store.program.classes, classCount: store.stride, transitions: transitions,
            accepting: order.map { store.configurations.flag(of: $0) }, start: 0)
        return automata[index] != nil
    }
}
