import MartletGrammar
import MartletJSON

extension JSONLexemes {
    /// Any string, with the escapes that a writer has to use and no others.
    private static let plainString = ScalarAutomaton.everything.jsonString()

    /// Any string but some, with the escapes that a writer has to use and no others.
    ///
    /// The smallest automaton of the strings that are left out, upon `plainString`, which is gone on with where none of
    /// them goes on. Names that end alike share their states, as do those that begin alike.
    ///
    /// - Parameter names: UTF-8, each once.
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
        /// The states along the text before, the first of which is where all begin.
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
                // What cannot be written need not be left out.
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

/// States of an automaton that follow another one, except for some ways; equal ones are one.
private struct ExclusionStates {
    struct Way: Hashable {
        var byte: UInt8
        var target: Int32
    }

    struct State: Hashable {
        /// The state of the other automaton, which all other bytes lead on from.
        var plain: Int32
        var ways: [Way] = []
    }

    private let plain: ByteAutomaton
    private let classes: [UInt8]
    private let width: Int
    private var transitions: [Int32] = []
    private var numbers: [State: Int32] = [:]

    /// - Parameter bytes: those of all ways.
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

    mutating func automaton(from start: State) -> ByteAutomaton {
        let start = Int(number(of: start))
        let added = transitions.count / width - plain.stateCount
        return ByteAutomaton(
            classes: classes, classCount: width, transitions: transitions,
            accepting: plain.accepting + [Bool](repeating: false, count: added), start: start)
    }
}
