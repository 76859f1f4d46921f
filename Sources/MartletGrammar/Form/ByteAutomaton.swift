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
    /// Whether it is what `trimmed` would make of it.
    private var isTrimmed = false

    /// Where no way leads on.
    package static let dead: Int32 = -1

    package var stateCount: Int { accepting.count }

    /// For automata that code makes by its own rules; what comes from outside is read by `init(validating:)`.
    ///
    /// - Precondition: every byte has a class below `classCount`, and every transition leads to a state or is `dead`.
    package init(classes: [UInt8], classCount: Int, transitions: [Int32], accepting: [Bool], start: Int) {
        let automaton = ByteAutomaton(
            validating: classes, classCount: classCount, transitions: transitions, accepting: accepting, start: start)
        guard let automaton else { preconditionFailure("the parts of an automaton do not fit together") }
        self = automaton
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
            && left.classes == right.classes
    }

    /// Of some of the transitions: all of them would take longer than what a grammar does with an automaton.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(stateCount)
        hasher.combine(classCount)
        for index in stride(from: 0, to: transitions.count, by: 1 + transitions.count / 64) {
            hasher.combine(transitions[index])
        }
    }

    package func next(_ state: Int, _ byte: UInt8) -> Int32 {
        transitions[state * classCount + Int(classes[Int(byte)])]
    }

    package func matches(_ bytes: some Sequence<UInt8>) -> Bool {
        var state = Int32(start)
        for byte in bytes {
            state = next(Int(state), byte)
            if state == Self.dead { return false }
        }
        return accepting[Int(state)]
    }

    /// Without the states that are never reached or from which no text ends, numbered in the order they are reached.
    ///
    /// - Returns: `nil` if it matches nothing.
    package func trimmed() -> ByteAutomaton? {
        if isTrimmed { return self }
        let live = statesThatEnd()
        guard live[start] else { return nil }
        var number = [Int32](repeating: Self.dead, count: stateCount)
        var order = [start]
        number[start] = 0
        var position = 0
        while position < order.count {
            let row = order[position] * classCount
            position += 1
            for column in 0..<classCount {
                let next = transitions[row + column]
                guard next != Self.dead, live[Int(next)], number[Int(next)] == Self.dead else { continue }
                number[Int(next)] = Int32(order.count)
                order.append(Int(next))
            }
        }
        var renumbered: [Int32] = []
        renumbered.reserveCapacity(order.count * classCount)
        for state in order {
            for column in 0..<classCount {
                let next = transitions[state * classCount + column]
                renumbered.append(next == Self.dead ? Self.dead : number[Int(next)])
            }
        }
        var trimmed = ByteAutomaton(
            classes: classes, classCount: classCount, transitions: renumbered, accepting: order.map { accepting[$0] },
            start: 0)
        trimmed.isTrimmed = true
        return trimmed
    }

    /// For each state, whether some text ends an accepted one.
    private func statesThatEnd() -> [Bool] {
        var offsets = [Int](repeating: 0, count: stateCount + 1)
        for next in transitions where next != Self.dead { offsets[Int(next) + 1] += 1 }
        for state in 0..<stateCount { offsets[state + 1] += offsets[state] }
        var sources = [Int32](repeating: 0, count: offsets[stateCount])
        var filled = offsets
        for (index, next) in transitions.enumerated() where next != Self.dead {
            sources[filled[Int(next)]] = Int32(index / classCount)
            filled[Int(next)] += 1
        }
        var live = accepting
        var work = accepting.indices.filter { accepting[$0] }
        while let state = work.popLast() {
            for source in sources[offsets[state]..<offsets[state + 1]] where !live[Int(source)] {
                live[Int(source)] = true
                work.append(Int(source))
            }
        }
        return live
    }
}
