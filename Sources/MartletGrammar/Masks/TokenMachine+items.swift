/// Masks inside of arrays in which no two items may be equal.
extension TokenMachine {
    /// Removes the tokens that end an item which equals an earlier one, or after which only such ends remain.
    ///
    /// Few tokens have to be tried: tokens that end an item, and tokens that continue as an earlier item does. The result
    /// depends on the text and is therefore not cached.
    func withoutRepeatedItems(
        _ mask: UnsafeBufferPointer<UInt64>, _ position: MachinePosition
    ) -> UnsafeBufferPointer<UInt64> {
        _ = ownMask.update(fromContentsOf: mask)
        let items = position.items
        for token in items.isActive ? vocabulary.itemEnds : vocabulary.itemLists where contains(token, ownMask) {
            var items = items
            if step(position.configuration, token, &items) == ConfigurationStore.dead { remove(token) }
        }
        if items.isAtRisk {
            for trie in [vocabulary.words, vocabulary.safe, vocabulary.rest] {
                walk(trie, position.configuration, items)
            }
            for duplicate in vocabulary.duplicates where !contains(duplicate.of, ownMask) { remove(duplicate.token) }
        }
        return UnsafeBufferPointer(ownMask)
    }

    private func remove(_ token: Int32) { ownMask[Int(token) >> 6] &= ~(1 << UInt64(token & 63)) }

    /// Tries the tokens with which an open item continues as an earlier item does.
    private func walk(_ trie: TokenTrie, _ configuration: UInt32, _ items: DistinctItems) {
        var path = [(configuration: configuration, items: items)]
        var index = 0
        while index < trie.nodes.count {
            let node = trie.nodes[index]
            path.removeSubrange((Int(node.depth) + 1)...)
            var (_, items) = path[Int(node.depth)]
            let next = machine.step(path[Int(node.depth)].configuration, node.byte, &items)
            // A text that differs from all earlier items is free until the end of the item.
            guard next != ConfigurationStore.dead, items.isAtRisk else {
                index = Int(node.end)
                continue
            }
            if node.token >= 0, contains(node.token, ownMask), !machine.canContinue(next, items) { remove(node.token) }
            path.append((next, items))
            index += 1
        }
    }
}
