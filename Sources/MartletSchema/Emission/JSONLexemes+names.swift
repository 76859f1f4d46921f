import MartletGrammar
import MartletJSON

extension JSONLexemes {
    /// Any string, with the escapes that a writer has to use and no others.
    private static let plainString = CharacterAutomaton.everything.jsonString()

    /// Any string but some, with the escapes that a writer has to use and no others.
    ///
    /// A trie of the strings that are left out, which is left for `plainString` where none of them goes on.
    ///
    /// - Parameter names: UTF-8, each once.
    static func string(otherThan names: [[UInt8]]) -> ByteAutomaton {
        let plain = plainString
        let texts = names.map { name in
            var text: [UInt8] = []
            JSONText.appendString(name, to: &text)
            return text
        }.sorted { $0.lexicographicallyPrecedes($1) }
        var partition = BytePartition()
        partition.split(by: plain.classes, count: plain.classCount)
        var used = ByteSet()
        for text in texts {
            for byte in text { used.insert(byte...byte) }
        }
        partition.split(used.bytes)
        let classes = partition.classes
        let representatives = partition.representatives
        let width = representatives.count
        var rows: [Int32] = []
        for state in 0..<plain.stateCount {
            for byte in representatives { rows.append(plain.next(Int32(state), byte)) }
        }
        var transitions = rows
        transitions.reserveCapacity(rows.count + texts.reduce(0) { $0 + $1.count } * width)
        /// The states that the text before went through, each with the one that `plain` is in there.
        var way: [(own: Int32, plain: Int32)] = [(Int32(plain.start), Int32(plain.start))]
        var last: [UInt8] = []
        for text in texts {
            let shared = zip(text.dropLast(), last.dropLast()).prefix { $0 == $1 }.count
            way.removeSubrange((shared + 1)...)
            for (index, byte) in text.enumerated().dropFirst(shared) {
                let (own, state) = way[index]
                let next = plain.next(state, byte)
                // What cannot be written need not be left out.
                guard next != ByteAutomaton.dead else { break }
                let slot = Int(own) * width + Int(classes[Int(byte)])
                if index == text.count - 1 {
                    transitions[slot] = ByteAutomaton.dead
                } else {
                    let added = Int32(transitions.count / width)
                    transitions[slot] = added
                    transitions += rows[Int(next) * width..<(Int(next) + 1) * width]
                    way.append((added, next))
                }
            }
            last = text
        }
        let added = transitions.count / width - plain.stateCount
        return ByteAutomaton(
            classes: classes, classCount: width, transitions: transitions,
            accepting: plain.accepting + [Bool](repeating: false, count: added), start: plain.start, isTrimmed: true)
    }
}
