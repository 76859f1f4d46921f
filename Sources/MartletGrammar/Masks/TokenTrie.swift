/// The tokens of a vocabulary as a trie over bytes; the nodes are stored in the order of a depth-first walk.
struct TokenTrie: Sendable {
    struct Node: Sendable {
        /// The index of the next node after all descendants of this one.
        var end: UInt32
        /// The token whose text ends here, or -1.
        var token: Int32
        /// The number of bytes before this one.
        var depth: UInt16
        /// The byte on the edge to this node.
        var byte: UInt8
    }

    let nodes: [Node]
    /// The bytes of the longest token.
    let height: Int

    private static let longest = Int(UInt16.max)

    /// - Parameter tokens: in ascending order of their texts, without equal texts.
    init(_ tokens: [Int32], _ bytes: [UInt8], _ offsets: [UInt32]) {
        var nodes: [Node] = []
        var path: [Int] = []
        var height = 0
        bytes.withUnsafeBufferPointer { bytes in
            var last = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
            for token in tokens {
                let text = Self.text(token, bytes, offsets)
                // A longer token never is in a mask. If it is sampled, its bytes are checked like those of any
                // token.
                guard text.count <= Self.longest else { continue }
                var common = 0
                while common < min(text.count, last.count), text[common] == last[common] { common += 1 }
                for node in path[common...] { nodes[node].end = UInt32(nodes.count) }
                path.removeSubrange(common...)
                for depth in common..<text.count {
                    path.append(nodes.count)
                    nodes.append(Node(end: 0, token: -1, depth: UInt16(depth), byte: text[depth]))
                }
                nodes[nodes.count - 1].token = token
                height = max(height, text.count)
                last = text
            }
            for node in path { nodes[node].end = UInt32(nodes.count) }
        }
        self.nodes = nodes
        self.height = height
    }

    /// The bytes of a token.
    static func text(
        _ token: Int32, _ bytes: UnsafeBufferPointer<UInt8>, _ offsets: [UInt32]
    ) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])])
    }

    /// The tokens that have text, in the order of their texts and then of their numbers.
    static func sorted(_ bytes: UnsafeBufferPointer<UInt8>, _ offsets: [UInt32]) -> [Int32] {
        struct Entry {
            /// The first eight bytes as one integer; it decides most comparisons.
            var key: UInt64
            var token: Int32
        }
        var entries: [Entry] = []
        entries.reserveCapacity(offsets.count)
        for token in 0..<offsets.count - 1 {
            let text = text(Int32(token), bytes, offsets)
            guard !text.isEmpty else { continue }
            var key: UInt64 = 0
            for index in 0..<min(8, text.count) { key |= UInt64(text[index]) << UInt64(56 - 8 * index) }
            entries.append(Entry(key: key, token: Int32(token)))
        }
        entries.sort { left, right in
            if left.key != right.key { return left.key < right.key }
            let (leftText, rightText) = (text(left.token, bytes, offsets), text(right.token, bytes, offsets))
            for index in 0..<min(leftText.count, rightText.count) where leftText[index] != rightText[index] {
                return leftText[index] < rightText[index]
            }
            return leftText.count != rightText.count ? leftText.count < rightText.count : left.token < right.token
        }
        return entries.map(\.token)
    }
}
