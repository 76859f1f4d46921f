/// A grammar compiled for matching: rules made of points. Immutable; any thread may read it.
package final class GrammarProgram: Sendable {
    /// A rule of the program.
    struct Rule: Sendable {
        /// The point at which the rule is entered.
        var entry: Int32
        /// Whether the rule matches the empty text.
        var isNullable: Bool
        /// The position in the order of entry: a rule that may begin with another has a higher rank.
        var rank: Int32
    }

    /// The parts of a program while it is being built.
    struct Parts {
        /// The points of all rules; a rule's points are adjacent only by chance.
        var points: [Point] = []
        /// The points that `split` points continue at.
        var targets: [Int32] = []
        /// The bytes of all literals, one literal after the other.
        var literals: [UInt8] = []
        var sets: [ByteSet] = []
        var automata: [ProgramAutomaton] = []
        var terms: [ResolvedTerm] = []
        var counters: [Counter] = []
        var rules: [Rule] = []
    }

    let points: [Point]
    let targets: [Int32]
    let literals: [UInt8]
    let sets: [ByteSet]
    let automata: [ProgramAutomaton]
    /// The terms of `token` points; none is `bytes`.
    let terms: [ResolvedTerm]
    let counters: [Counter]
    let rules: [Rule]
    /// The root rule.
    let root: Int32 = 0
    /// The class of each byte: bytes that the whole grammar treats alike share one.
    let classes: [UInt8]
    /// A byte of each class.
    let representatives: [UInt8]
    /// Whether there are arrays in which no two items may be equal.
    let hasDistinctItems: Bool
    let limits: GrammarLimits

    /// Computes the classes of bytes.
    init(_ parts: Parts, limits: GrammarLimits) {
        points = parts.points
        targets = parts.targets
        literals = parts.literals
        sets = parts.sets
        automata = parts.automata
        terms = parts.terms
        counters = parts.counters
        rules = parts.rules
        self.limits = limits
        var partition = BytePartition()
        let itemBounds = parts.points.filter { $0.kind == .itemBound }.map { UInt8(truncatingIfNeeded: $0.first) }
        hasDistinctItems = !itemBounds.isEmpty
        partition.split(ByteSet(parts.literals + itemBounds).bytes)
        for set in parts.sets { partition.split(by: set) }
        for automaton in parts.automata { partition.split(by: automaton.classes, count: automaton.classCount) }
        classes = partition.classes
        representatives = partition.representatives
    }

    var classCount: Int { representatives.count }
}

/// An automaton with precomputed properties of its states.
struct ProgramAutomaton: Sendable {
    let classes: [UInt8]
    let classCount: Int
    let transitions: [Int32]
    /// The properties of each state, as a bit set.
    let traits: [UInt8]
    let start: Int32
    /// The automaton itself, if its states include a count.
    let counted: ByteAutomaton?

    /// A text may end in the state; some byte leads on from it.
    static let isAccepting: UInt8 = 1
    static let continues: UInt8 = 2

    init(_ automaton: ByteAutomaton) {
        classes = automaton.classes
        classCount = automaton.classCount
        transitions = automaton.transitions
        start = Int32(automaton.start)
        counted = automaton.counting == nil ? nil : automaton
        traits = (0..<automaton.stateCount).map { state in
            let row = automaton.transitions[state * automaton.classCount..<(state + 1) * automaton.classCount]
            return (automaton.accepting[state] ? Self.isAccepting : 0)
                | (row.contains { $0 != ByteAutomaton.dead } ? Self.continues : 0)
        }
    }

    /// The state after a byte, or `dead`.
    @inline(__always)
    func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        if let counted { return counted.next(state, byte) }
        return transitions[Int(state) &* classCount &+ Int(classes[Int(byte)])]
    }

    /// The properties of a state.
    @inline(__always)
    func traits(of state: Int32) -> UInt8 {
        guard let counted else { return traits[Int(state)] }
        let own = traits[Int(state) % traits.count]
        return own & ~Self.isAccepting | (counted.accepts(state) ? Self.isAccepting : 0)
    }
}
