/// A deterministic automaton over bytes; the leaf of a grammar for strings, numbers and free text.
///
/// Bytes that all states treat alike share a class, and the table has a column for each class.
package struct ByteAutomaton: Sendable, Hashable {
    /// The class of each of the 256 bytes.
    package let classes: [UInt8]
    package let classCount: Int
    /// A row for each state and a column for each class: the next state, or `dead`.
    package let transitions: [Int32]
    /// For each state, whether a text may end there.
    package let accepting: [Bool]
    package let start: Int
    /// Bounds on the number of characters; `nil` if there are none.
    package private(set) var counting: Counting?
    /// Whether all states are reachable, and a text can be completed from each.
    private var isTrimmed = false

    /// A transition that no accepted text has.
    package static let dead = StateTable.dead

    package var stateCount: Int { accepting.count }

    /// Creates an automaton that code computed. Bytes from outside are decoded with `init(validating:)`.
    ///
    /// - Parameter isTrimmed: whether every state is known to be reachable and completable.
    /// - Precondition: each byte has a class below `classCount`, and each transition is a state or `dead`.
    package init(
        classes: [UInt8], classCount: Int, transitions: [Int32], accepting: [Bool], start: Int, isTrimmed: Bool = false
    ) {
        let automaton = ByteAutomaton(
            validating: classes, classCount: classCount, transitions: transitions, accepting: accepting, start: start)
        guard let automaton else { preconditionFailure("the parts of an automaton do not fit together") }
        self = automaton
        self.isTrimmed = isTrimmed
    }

    /// The same automaton with bounds on the number of characters.
    init(_ automaton: ByteAutomaton, counting: Counting) {
        self = automaton
        self.counting = counting
        isTrimmed = true
    }

    /// Creates an automaton of parts that may be inconsistent.
    ///
    /// - Returns: `nil` if the parts are inconsistent.
    package init?(
        validating classes: [UInt8], classCount: Int, transitions: [Int32], accepting: [Bool], start: Int
    ) {
        guard classes.count == 256, classCount >= 1, classes.allSatisfy({ $0 < classCount }),
            transitions.count == accepting.count * classCount, accepting.indices.contains(start),
            transitions.allSatisfy({ $0 >= Self.dead && $0 < accepting.count })
        else { return nil }
        self.classes = classes
        self.classCount = classCount
        self.transitions = transitions
        self.accepting = accepting
        self.start = start
    }

    /// Creates an automaton of complete rows; bytes with equal columns are joined to classes.
    ///
    /// - Parameter rows: for each state, the next state for each of the 256 bytes.
    package init(rows: [[Int32]], accepting: [Bool], start: Int) {
        var classes = [UInt8](repeating: 0, count: 256)
        var known: [[Int32]: UInt8] = [:]
        var columns: [[Int32]] = []
        for byte in 0..<256 {
            let column = rows.map { $0[byte] }
            if let number = known[column] {
                classes[byte] = number
            } else {
                classes[byte] = UInt8(columns.count)
                known[column] = UInt8(columns.count)
                columns.append(column)
            }
        }
        var transitions: [Int32] = []
        transitions.reserveCapacity(rows.count * columns.count)
        for state in rows.indices {
            for column in columns { transitions.append(column[state]) }
        }
        self.init(
            classes: classes, classCount: columns.count, transitions: transitions, accepting: accepting, start: start)
    }

    /// Compares tables. Two automata of the same texts may differ.
    package static func == (left: ByteAutomaton, right: ByteAutomaton) -> Bool {
        left.start == right.start && left.transitions == right.transitions && left.accepting == right.accepting
            && left.classes == right.classes && left.counting == right.counting
    }

    /// Hashes a sample of about 64 transitions. Hashing all of them would take longer than a grammar's other work with
    /// an automaton.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(stateCount)
        hasher.combine(classCount)
        hasher.combine(counting?.minimum)
        hasher.combine(counting?.maximum)
        for index in stride(from: 0, to: transitions.count, by: 1 + transitions.count / 64) {
            hasher.combine(transitions[index])
        }
    }

    /// Whether the bytes are accepted.
    package func matches(_ bytes: some Sequence<UInt8>) -> Bool {
        var state = Int32(start)
        for byte in bytes {
            state = next(state, byte)
            if state == Self.dead { return false }
        }
        return accepts(state)
    }

    /// The same automaton without unreachable and hopeless states, numbered in the order of a breadth-first search.
    ///
    /// - Returns: `nil` if nothing is accepted.
    package func trimmed() -> ByteAutomaton? {
        if isTrimmed { return self }
        guard let table = StateTable.trimmed(transitions, accepting, width: classCount, start: start) else {
            return nil
        }
        return ByteAutomaton(
            classes: classes, classCount: classCount, transitions: table.transitions, accepting: table.accepting,
            start: 0, isTrimmed: true)
    }
}
