/// All prefixes of the KV cache as one tree: of retained entries, of running sequences, and of prompts that are still
/// being computed.
///
/// ```
///  (adapters, scope) ─ "system prompt" {0, 1, 2} ─┬─ "question A" {0}
///                                                 └─ "question" {1, 2} ─┬─ " B" {1}
///                                                                       └─ " C" {2}
/// ```
///
/// A node has the items between two branches, and the set of entries whose prefix contains all of them. Every entry ends
/// at the end of a node. Entries with different keys are in different trees, so that no prefix is found across keys.
///
/// The tree compares items and knows nothing of cells: `KVEntry.count` says how many items of an entry are computed.
///
/// Memory: 4 bytes per item and about 120 bytes per node; there are at most two nodes per entry.
struct PrefixTree: Sendable {
    /// A level of the tree that a prompt reaches.
    struct Match: Equatable, Sendable {
        /// The number of items that the prompt and all these entries have in common.
        var length: Int
        var entries: EntrySet
    }

    private struct Node: Sendable {
        var items: [Int32]
        /// The parent; -1 at a root.
        var parent: Int
        /// The children by their first items.
        var children: [Int32: Int] = [:]
        var entries = EntrySet()
    }

    /// The last node of an entry, and the number of items of the entry.
    private struct End: Sendable {
        var node: Int
        var length: Int
    }

    private var nodes: [Node] = []
    private var freeNodes: [Int] = []
    private var roots: [PrefixKey: Int] = [:]
    private var ends: [Int: End] = [:]

    init() {}

    /// The number of items of an entry; 0 if it is not in the tree.
    func count(of entry: Int) -> Int { ends[entry]?.length ?? 0 }

    // MARK: Changes

    /// Adds an entry, or replaces it.
    ///
    /// - Complexity: linear in the items.
    mutating func insert(_ items: ArraySlice<Int32>, key: PrefixKey, entry: Int) {
        remove(entry)
        guard !items.isEmpty else { return }
        let root: Int
        if let existing = roots[key] {
            root = existing
        } else {
            root = add(Node(items: [], parent: -1))
            roots[key] = root
        }
        nodes[root].entries.insert(entry)
        ends[entry] = End(node: root, length: 0)
        extend(entry, by: items)
    }

    /// Appends items to an entry that is in the tree.
    ///
    /// - Complexity: linear in the new items.
    mutating func extend(_ entry: Int, by items: ArraySlice<Int32>) {
        guard var end = ends[entry] else { return }
        let start = end.node
        var rest = items
        while let first = rest.first {
            guard let child = nodes[end.node].children[first] else {
                appendLeaf(rest, entry, &end)
                break
            }
            let common = Self.commonPrefix(nodes[child].items[...], rest)
            if common < nodes[child].items.count { split(child, at: common) }
            nodes[child].entries.insert(entry)
            end = End(node: child, length: end.length + common)
            rest = rest.dropFirst(common)
        }
        ends[entry] = end
        mergeWithChild(start)
    }

    /// Removes all items of an entry from index `count` on. With a count of 0 the entry is removed.
    mutating func cut(_ entry: Int, to count: Int) {
        guard var end = ends[entry], count < end.length || count <= 0 else { return }
        while end.length > count, nodes[end.node].parent >= 0 {
            let start = end.length - nodes[end.node].items.count
            if start < count {
                split(end.node, at: count - start)
                // The upper part keeps the number of the node.
                let lower = nodes[end.node].children.values.first { nodes[$0].entries.contains(entry) }
                if let lower { leave(lower, entry) }
                end.length = count
                break
            }
            let parent = nodes[end.node].parent
            leave(end.node, entry)
            end = End(node: parent, length: start)
        }
        if count > 0 {
            ends[entry] = end
        } else {
            ends[entry] = nil
            nodes[end.node].entries.remove(entry)
            removeRootIfEmpty(end.node)
        }
    }

    /// Removes an entry.
    mutating func remove(_ entry: Int) { cut(entry, to: 0) }

    // MARK: Queries

    /// The levels of the tree that a prompt reaches, the deepest first. Each level has the entries of the level below
    /// it, and at least one more.
    ///
    /// - Complexity: linear in the longest common prefix.
    func matches(_ items: ArraySlice<Int32>, key: PrefixKey) -> [Match] {
        guard var node = roots[key] else { return [] }
        var matches: [Match] = []
        var rest = items
        var length = 0
        while let first = rest.first, let child = nodes[node].children[first] {
            let common = Self.commonPrefix(nodes[child].items[...], rest)
            length += common
            if let last = matches.last, last.entries == nodes[child].entries { matches.removeLast() }
            matches.append(Match(length: length, entries: nodes[child].entries))
            guard common == nodes[child].items.count else { break }
            rest = rest.dropFirst(common)
            node = child
        }
        return matches.reversed()
    }

    /// The items of an entry, from the first one on; empty if it is not in the tree.
    ///
    /// - Complexity: linear in the items.
    func items(of entry: Int) -> [Int32] {
        guard let end = ends[entry] else { return [] }
        var parts: [[Int32]] = []
        var node = end.node
        while node >= 0 {
            parts.append(nodes[node].items)
            node = nodes[node].parent
        }
        return Array(parts.reversed().joined())
    }

    /// The number of items that these entries have together, items that they share counted once.
    ///
    /// - Complexity: linear in the number of nodes.
    func itemCount(of entries: EntrySet) -> Int {
        nodes.reduce(0) { $0 + ($1.entries.intersects(entries) ? $1.items.count : 0) }
    }

    /// The number of bytes that the tree takes, without the unused capacity of its arrays.
    var byteCount: Int {
        let nodeCount = nodes.count - freeNodes.count
        let items = nodes.reduce(0) { $0 + $1.items.count * MemoryLayout<Int32>.size }
        // A child takes a key and a value in a dictionary that is at least half full.
        return items + nodeCount * (MemoryLayout<Node>.stride + 32 + 2 * 16) + ends.count * 2 * 24
    }

    static func commonPrefix(_ first: ArraySlice<Int32>, _ second: ArraySlice<Int32>) -> Int {
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                let limit = min(first.count, second.count)
                var count = 0
                while count < limit, first[count] == second[count] { count += 1 }
                return count
            }
        }
    }

    // MARK: Nodes

    private mutating func add(_ node: Node) -> Int {
        guard let number = freeNodes.popLast() else {
            nodes.append(node)
            return nodes.count - 1
        }
        nodes[number] = node
        return number
    }

    /// Appends items behind the end of an entry where no other entry continues alike.
    private mutating func appendLeaf(_ items: ArraySlice<Int32>, _ entry: Int, _ end: inout End) {
        let isOnlyEntry = nodes[end.node].parent >= 0 && nodes[end.node].entries.count == 1
        if isOnlyEntry, nodes[end.node].children.isEmpty {
            nodes[end.node].items += items
        } else {
            let leaf = add(Node(items: Array(items), parent: end.node, entries: EntrySet(CollectionOfOne(entry))))
            if let first = items.first { nodes[end.node].children[first] = leaf }
            end.node = leaf
        }
        end.length += items.count
    }

    /// Splits a node. The upper part with `count` items keeps the number; entries that end at the node end at the lower
    /// part afterwards.
    private mutating func split(_ number: Int, at count: Int) {
        var lower = Node(items: Array(nodes[number].items[count...]), parent: number)
        lower.children = nodes[number].children
        lower.entries = nodes[number].entries
        let below = add(lower)
        for child in lower.children.values { nodes[child].parent = below }
        nodes[number].items.removeLast(nodes[number].items.count - count)
        nodes[number].children = [lower.items[0]: below]
        for entry in lower.entries.members where ends[entry]?.node == number { ends[entry]?.node = below }
    }

    /// Removes an entry from a node, and the node if it was the last one.
    private mutating func leave(_ number: Int, _ entry: Int) {
        nodes[number].entries.remove(entry)
        guard nodes[number].entries.isEmpty else { return mergeWithChild(number) }
        let parent = nodes[number].parent
        if let first = nodes[number].items.first { nodes[parent].children[first] = nil }
        nodes[number] = Node(items: [], parent: -1)
        freeNodes.append(number)
    }

    /// Merges a node with its only child if no entry ends between them.
    private mutating func mergeWithChild(_ number: Int) {
        guard nodes[number].parent >= 0, nodes[number].children.count == 1,
            let child = nodes[number].children.values.first, nodes[child].entries == nodes[number].entries
        else { return }
        nodes[number].items += nodes[child].items
        nodes[number].children = nodes[child].children
        for grandchild in nodes[child].children.values { nodes[grandchild].parent = number }
        for entry in nodes[child].entries.members where ends[entry]?.node == child { ends[entry]?.node = number }
        nodes[child] = Node(items: [], parent: -1)
        freeNodes.append(child)
    }

    private mutating func removeRootIfEmpty(_ number: Int) {
        guard nodes[number].parent < 0, nodes[number].entries.isEmpty,
            let key = roots.first(where: { $0.value == number })?.key
        else { return }
        roots[key] = nil
        nodes[number] = Node(items: [], parent: -1)
        freeNodes.append(number)
    }
}
