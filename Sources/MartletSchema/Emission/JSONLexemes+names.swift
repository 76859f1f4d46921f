import MartletGrammar
import MartletJSON

extension JSONLexemes {
    /// Any string; the only escapes are those that JSON requires.
    private static let plainString = ScalarAutomaton.everything.jsonString()

    /// Any string except some names; the only escapes are those that JSON requires.
    ///
    /// The smallest acyclic automaton of the excluded names is built incrementally from the sorted list (after Daciuk
    /// and others, 2000). Wherever no excluded name continues, it leads into `plainString`. Names with equal endings
    /// share states, as do names with equal beginnings. Without needless escapes, a name has one spelling, so that it
    /// cannot be excluded in one spelling and generated in another.
    ///
    /// - Parameter names: UTF-8, without repetition.
    /// - Complexity: linear in the bytes of the names, apart from sorting.
    static func string(otherThan names: [[UInt8]]) -> ByteAutomaton {
        let texts = names.map { name in
            var text: [UInt8] = []
            JSONText.appendString(name, to: &text)
            return text
        }.sorted { $0.lexicographicallyPrecedes($1) }
        var used = ByteSet()
        for text in texts {
            for byte in text { used.insert(byte) }
        }
        var states = ExclusionStates(plainString, naming: used.bytes)
        /// The states along the last name, from the start on; they may still gain transitions.
        var open = [ExclusionStates.State(plain: Int32(plainString.start))]
        var last: [UInt8] = []
        func close(_ open: inout [ExclusionStates.State], to count: Int) {
            while open.count > count {
                let number = states.number(of: open.removeLast())
                open[open.count - 1].ways.append(.init(byte: last[open.count - 1], target: number))
            }
        }
        for text in texts {
            let shared = zip(text.dropLast(), last.dropLast()).prefix { $0 == $1 }.count
            close(&open, to: min(shared + 1, open.count))
            for byte in text[(open.count - 1)...] {
                let next = plainString.next(open[open.count - 1].plain, byte)
                // A name that cannot be spelled need not be excluded.
                if next == ByteAutomaton.dead { break }
                if open.count == text.count {
                    open[open.count - 1].ways.append(.init(byte: byte, target: ByteAutomaton.dead))
                } else {
                    open.append(.init(plain: next))
                }
            }
            last = text
        }
        close(&open, to: 1)
        return states.automaton(from: open[0])
    }
}

/// States of an automaton that follow another automaton except for some transitions. Equal states are merged.
private struct ExclusionStates {
    /// A transition that differs from the other automaton's.
    struct Way: Hashable {
        var byte: UInt8
        var target: Int32
    }

    struct State: Hashable {
        /// The state of the other automaton, which has all other transitions.
        var plain: Int32
        var ways: [Way] = []
    }

    private let plain: ByteAutomaton
    private let classes: [UInt8]
    private let width: Int
    private var transitions: [Int32] = []
    private var numbers: [State: Int32] = [:]

    /// - Parameter bytes: the bytes of all differing transitions; each becomes a class of its own.
    init(_ plain: ByteAutomaton, naming bytes: [UInt8]) {
        self.plain = plain
        var partition = BytePartition()
        partition.split(by: plain.classes, count: plain.classCount)
        partition.split(bytes)
        classes = partition.classes
        let representatives = partition.representatives
        width = representatives.count
        for state in 0..<plain.stateCount {
            for byte in representatives { transitions.append(plain.next(Int32(state), byte)) }
        }
    }

    /// The number of a state, which is added if it is new. A state without differing transitions is the other
    /// automaton's.
    mutating func number(of state: State) -> Int32 {
        if state.ways.isEmpty { return state.plain }
        if let known = numbers[state] { return known }
        let number = transitions.count / width
        let row = Int(state.plain) * width
        transitions += transitions[row..<row + width]
        for path in state.ways { transitions[number * width + Int(classes[Int(path.byte)])] = path.target }
        numbers[state] = Int32(number)
        return Int32(number)
    }

    /// The automaton with all states of the other one and the added ones.
    mutating func automaton(from start: State) -> ByteAutomaton {
        let start = Int(number(of: start))
        let added = transitions.count / width - plain.stateCount
        return ByteAutomaton(
            classes: classes, classCount: width, transitions: transitions,
            accepting: plain.accepting + [Bool](repeating: false, count: added), start: start)
    }
}
