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
        partition.split(ByteSet(parts.literals).bytes)
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

    static let isAccepting: UInt8 = 1
    static let goesOn: UInt8 = 2

    init(_ automaton: ByteAutomaton) {
        classes = automaton.classes
        classCount = automaton.classCount
        transitions = automaton.transitions
        start = Int32(automaton.start)
        traits = (0..<automaton.stateCount).map { state in
            let row = automaton.transitions[state * automaton.classCount..<(state + 1) * automaton.classCount]
            return (automaton.accepting[state] ? Self.isAccepting : 0)
                | (row.contains { $0 != ByteAutomaton.dead } ? Self.goesOn : 0)
        }
    }

    @inline(__always)
    func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        transitions[Int(state) &* classCount &+ Int(classes[Int(byte)])]
    }
}

/// Divides the 256 bytes into classes, finer with each step.
struct BytePartition {
    private(set) var classes = [UInt8](repeating: 0, count: 256)
    private var sizes = [256]

    /// Each of `bytes` gets a class of its own.
    mutating func split(_ bytes: [UInt8]) {
        for byte in bytes where sizes[Int(classes[Int(byte)])] > 1 {
            sizes[Int(classes[Int(byte)])] -= 1
            classes[Int(byte)] = UInt8(sizes.count)
            sizes.append(1)
        }
    }

    mutating func split(by set: ByteSet) {
        split(by: (0...255).map { set.contains($0) ? 1 : 0 }, count: 2)
    }

    /// - Parameter other: for each byte, its class in another partition, which has `count`.
    mutating func split(by other: [UInt8], count: Int) {
        guard sizes.count < 256 else { return }
        var numbers = [Int16](repeating: -1, count: sizes.count * count)
        var finer: [Int] = []
        for byte in 0..<256 {
            let key = Int(classes[byte]) * count + Int(other[byte])
            if numbers[key] < 0 {
                numbers[key] = Int16(finer.count)
                finer.append(0)
            }
            classes[byte] = UInt8(numbers[key])
            finer[Int(numbers[key])] += 1
        }
        sizes = finer
    }

    /// A byte of each class.
    var representatives: [UInt8] {
        var first = [UInt8](repeating: 0, count: sizes.count)
        for byte in (0...255).reversed() { first[Int(classes[byte])] = UInt8(byte) }
        return first
    }
}
