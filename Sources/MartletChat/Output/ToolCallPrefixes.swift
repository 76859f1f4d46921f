import MartletGrammar

/// Tells texts that begin as calls do from those that do not. A space stands for any white space.
struct ToolCallPrefixes {
    private struct Node {
        var children: [UInt8: Int] = [:]
        /// Whether white space may come here.
        var allowsSpace = false
    }
    /// The first one is the start; those without children are whole beginnings.
    private var nodes = [Node(allowsSpace: true)]

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

    /// Texts that are a part of a beginning.
    var parts: ByteAutomaton { automaton(acceptsParts: true) }

    /// Texts that are a part of a beginning but for their last byte.
    var departures: ByteAutomaton { automaton(acceptsParts: false) }

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
