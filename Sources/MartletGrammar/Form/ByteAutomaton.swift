/// A deterministic automaton over bytes.
///
/// Bytes that are treated alike in every state share a class, and the table has a column for each class.
package struct ByteAutomaton: Sendable, Hashable {
    /// For each of the 256 bytes, its class.
    package let classes: [UInt8]
    package let classCount: Int
    /// `stateCount * classCount` entries, a row for each state: the next state, or `dead`.
    package let transitions: [Int32]
    /// For each state, whether a text may end there.
    package let accepting: [Bool]
    package let start: Int
    /// How many characters its texts have, where that is bounded.
    package private(set) var counting: Counting?
    /// Whether `trimmed` would leave nothing out.
    private var isTrimmed = false

    /// Where no way leads on.
    package static let dead = StateTable.dead

    package var stateCount: Int { accepting.count }

    /// For automata that code makes by its own rules; what comes from outside is read by `init(validating:)`.
    ///
    /// - Parameter isTrimmed: whether it is known that every state is reached and that a text ends from each.
    /// - Precondition: every byte has a class below `classCount`, and every transition leads to a state or is `dead`.
    package init(
        classes: [UInt8], classCount: Int, transitions: [Int32], accepting: [Bool], start: Int, isTrimmed: Bool = false
    ) {
        let automaton = ByteAutomaton(
            validating: classes, classCount: classCount, transitions: transitions, accepting: accepting, start: start)
        guard let automaton else { preconditionFailure("the parts of an automaton do not fit together") }
        self = automaton
        self.isTrimmed = isTrimmed
    }

    /// The same with a count.
    init(_ automaton: ByteAutomaton, counting: Counting) {
        self = automaton
        self.counting = counting
        isTrimmed = true
    }

    /// - Returns: `nil` when the parts do not fit together.
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

    /// - Parameter rows: for each state, the next state for each byte.
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

    package static func == (left: ByteAutomaton, right: ByteAutomaton) -> Bool {
        left.start == right.start && left.transitions == right.transitions && left.accepting == right.accepting
            && left.classes == right.classes && left.counting == right.counting
    }

    /// Of some of the transitions: all of them would take longer than what a grammar does with an automaton.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(stateCount)
        hasher.combine(classCount)
        hasher.combine(counting?.minimum)
        hasher.combine(counting?.maximum)
        for index in stride(from: 0, to: transitions.count, by: 1 + transitions.count / 64) {
            hasher.combine(transitions[index])
        }
    }

    package func matches(_ bytes: some Sequence<UInt8>) -> Bool {
        var state = Int32(start)
        for byte in bytes {
            state = next(state, byte)
            if state == Self.dead { return false }
        }
        return accepts(state)
    }

    /// Without the states that are never reached or from which no text ends, numbered in the order they are reached.
    ///
    /// - Returns: `nil` if it matches nothing.
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
