/// A set of byte strings that finds its elements in a text.
struct ByteTrie: Sendable {
    /// A node. Its children are a linked list: `firstChild` is the first, `sibling` the next; 0 ends the list.
    private struct Node {
        var byte: UInt8
        var firstChild: Int32 = 0
        var sibling: Int32 = 0
        /// The index of a string that ends here, or -1.
        var string: Int32 = -1
    }

    private var nodes = [Node(byte: 0)]
    /// The child of the root for each first byte; 0 = none.
    private var roots = [Int32](repeating: 0, count: 256)
    private let count: Int
    /// Strings that equal an earlier string, and therefore occur wherever that occurs.
    private var duplicates: [(index: Int, of: Int)] = []

    init(_ strings: [[UInt8]]) {
        count = strings.count
        for (index, string) in strings.enumerated() { insert(string, index) }
    }

    private mutating func insert(_ string: [UInt8], _ index: Int) {
        guard let first = string.first else { return }
        if roots[Int(first)] == 0 {
            nodes.append(Node(byte: first))
            roots[Int(first)] = Int32(nodes.count - 1)
        }
        var node = Int(roots[Int(first)])
        for byte in string.dropFirst() {
            if let child = child(of: node, byte) {
                node = child
            } else {
                nodes.append(Node(byte: byte, sibling: nodes[node].firstChild))
                nodes[node].firstChild = Int32(nodes.count - 1)
                node = nodes.count - 1
            }
        }
        if nodes[node].string < 0 {
            nodes[node].string = Int32(index)
        } else {
            duplicates.append((index, Int(nodes[node].string)))
        }
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        var child = Int(nodes[node].firstChild)
        while child != 0 {
            if nodes[child].byte == byte { return child }
            child = Int(nodes[child].sibling)
        }
        return nil
    }

    /// The indices of the strings that occur in `text`, ascending.
    func occurring(in text: UnsafeBufferPointer<UInt8>) -> [Int] {
        var occurs = [Bool](repeating: false, count: count)
        for start in text.indices {
            var node = Int(roots[Int(text[start])])
            var position = start
            while node != 0 {
                let string = Int(nodes[node].string)
                if string >= 0 { occurs[string] = true }
                position += 1
                guard position < text.count, let child = child(of: node, text[position]) else { break }
                node = child
            }
        }
        for duplicate in duplicates where occurs[duplicate.of] { occurs[duplicate.index] = true }
        return occurs.indices.filter { occurs[$0] }
    }
}
