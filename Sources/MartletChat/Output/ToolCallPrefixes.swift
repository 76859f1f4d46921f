import MartletGrammar

/// Automata of texts that begin as calls do, and of texts that do not. For formats whose calls have no opening
/// delimiter.
///
/// Example for `{ "name" :`: `{"na` is a part of a beginning; `{"title` departs from it at `t`. A space stands for any
/// amount of white space.
struct ToolCallPrefixes {
    /// A position in the trie of beginnings.
    private struct Node {
        var children: [UInt8: Int] = [:]
        /// Whether white space may stand here.
        var allowsSpace = false
    }
    /// The first node is the start. A node without children is the end of a beginning.
    private var nodes = [Node(allowsSpace: true)]

    /// - Parameter texts: the beginnings of calls.
    init(_ texts: [String]) {
        for text in texts {
            var node = 0
            for byte in text.utf8 {
                if byte == 0x20 {
                    nodes[node].allowsSpace = true
                } else if let child = nodes[node].children[byte] {
                    node = child
                } else {
                    nodes.append(Node())
                    nodes[node].children[byte] = nodes.count - 1
                    node = nodes.count - 1
                }
            }
        }
    }

    /// Accepts texts that are a proper part of a beginning. The output may end there, as text.
    var parts: ByteAutomaton { automaton(acceptsParts: true) }

    /// Accepts texts that are a part of a beginning, except for their last byte. Free text follows.
    var departures: ByteAutomaton { automaton(acceptsParts: false) }

    /// - Parameter acceptsParts: whether parts are accepted, or departures from them.
    private func automaton(acceptsParts: Bool) -> ByteAutomaton {
        let end = nodes.count
        var rows = nodes.map { node in
            let isWhole = node.children.isEmpty
            var row = [Int32](repeating: isWhole ? ByteAutomaton.dead : Int32(end), count: 256)
            for (byte, child) in node.children {
                row[Int(byte)] = nodes[child].children.isEmpty ? ByteAutomaton.dead : Int32(child)
            }
            return row
        }
        for (index, node) in nodes.enumerated() where node.allowsSpace {
            for byte in " \t\r\n".utf8 { rows[index][Int(byte)] = Int32(index) }
        }
        rows.append([Int32](repeating: ByteAutomaton.dead, count: 256))
        let accepting = (0...end).map { acceptsParts ? $0 < end && !(nodes[$0].children.isEmpty) : $0 == end }
        return ByteAutomaton(rows: rows, accepting: accepting, start: 0)
    }
}
