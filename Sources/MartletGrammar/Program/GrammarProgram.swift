/// A grammar in the form in which it is matched: rules of points.
///
/// Immutable; any thread may read it.
package final class GrammarProgram: Sendable {
    struct Rule: Sendable {
        var entry: Int32
        var isNullable: Bool
        /// A rule that may begin with another has a higher rank.
        var rank: Int32
    }

    struct Parts {
        var points: [Point] = []
        var targets: [Int32] = []
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
    /// Of `token` points; none of them is `bytes`.
    let terms: [ResolvedTerm]
    let counters: [Counter]
    let rules: [Rule]
    /// Rule 0.
    let root: Int32 = 0
    /// For each byte, its class: bytes that the whole grammar treats alike share one.
    let classes: [UInt8]
    /// A byte of each class.
    let representatives: [UInt8]
    /// Whether there are arrays in which no two items may be equal.
    let hasDistinctItems: Bool
    let limits: GrammarLimits

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

/// An automaton with what matching asks of its states.
struct ProgramAutomaton: Sendable {
    let classes: [UInt8]
    let classCount: Int
    let transitions: [Int32]
    /// For each state, a set of its traits.
    let traits: [UInt8]
    let start: Int32
    /// The automaton itself, where a state stands for a count too.
    let counted: ByteAutomaton?

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

    @inline(__always)
    func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        if let counted { return counted.next(state, byte) }
        return transitions[Int(state) &* classCount &+ Int(classes[Int(byte)])]
    }

    @inline(__always)
    func traits(of state: Int32) -> UInt8 {
        guard let counted else { return traits[Int(state)] }
        let own = traits[Int(state) % traits.count]
        return own & ~Self.isAccepting | (counted.accepts(state) ? Self.isAccepting : 0)
    }
}
