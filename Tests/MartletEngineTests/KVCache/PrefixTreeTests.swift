import Testing

@testable import MartletEngine

/// The prefix tree against a dictionary of whole prompts.
@Suite struct PrefixTreeTests {
    /// Finds the common prefix with every entry by itself.
    private struct NaiveTree {
        var entries: [Int: (key: PrefixKey, items: [Int32])] = [:]

        /// The number of common items for each entry that has any.
        func lengths(_ items: [Int32], key: PrefixKey) -> [Int: Int] {
            entries.compactMapValues { entry in
                guard entry.key == key else { return nil }
                let common = zip(entry.items, items).prefix { $0 == $1 }.count
                return common > 0 ? common : nil
            }
        }

        /// The number of different prefixes of these entries.
        func itemCount(of numbers: EntrySet) -> Int {
            var prefixes: Set<[Int32]> = []
            for (number, entry) in entries where numbers.contains(number) {
                let key = Int32(entry.key.scope)
                for count in entry.items.indices { prefixes.insert([key] + entry.items[...count]) }
            }
            return prefixes.count
        }
    }

    /// The longest length of each entry in the levels of a match.
    private func lengths(_ matches: [PrefixTree.Match]) -> [Int: Int] {
        var lengths: [Int: Int] = [:]
        for match in matches {
            for entry in match.entries.members where lengths[entry] == nil { lengths[entry] = match.length }
        }
        return lengths
    }

    @Test(arguments: 0..<40) func theTreeFindsWhatANaiveSearchFinds(seed: Int) {
        var random = CounterRandom(seed: UInt64(seed))
        var tree = PrefixTree()
        var naive = NaiveTree()
        // Few different items, so that prompts have much in common.
        func prompt() -> [Int32] { (0..<random.next(below: 24)).map { _ in Int32(random.next(below: 2)) } }
        for _ in 0..<400 {
            let entry = random.next(below: 12)
            let key = PrefixKey(scope: UInt64(random.next(below: 2)))
            switch random.next(below: 5) {
            case 0, 1:
                let items = prompt()
                tree.insert(items[...], key: key, entry: entry)
                naive.entries[entry] = items.isEmpty ? nil : (key, items)
            case 2:
                let more = prompt()
                tree.extend(entry, by: more[...])
                naive.entries[entry]?.items += more
            case 3:
                let count = random.next(below: 24)
                tree.cut(entry, to: count)
                if let known = naive.entries[entry], count < known.items.count || count == 0 {
                    naive.entries[entry] = count == 0 ? nil : (known.key, Array(known.items[..<count]))
                }
            default:
                tree.remove(entry)
                naive.entries[entry] = nil
            }
            let query = prompt()
            #expect(lengths(tree.matches(query[...], key: key)) == naive.lengths(query, key: key))
            let some = EntrySet((0..<12).filter { _ in random.next(below: 2) == 0 })
            #expect(tree.itemCount(of: some) == naive.itemCount(of: some))
            for entry in 0..<12 { #expect(tree.items(of: entry) == naive.entries[entry]?.items ?? []) }
        }
    }

    @Test func levelsAreOrderedFromTheDeepest() {
        var tree = PrefixTree()
        let key = PrefixKey()
        tree.insert([1, 2, 3, 4], key: key, entry: 0)
        tree.insert([1, 2, 5], key: key, entry: 200)
        tree.insert([1, 2, 3, 9], key: PrefixKey(scope: 7), entry: 2)
        #expect(
            tree.matches([1, 2, 3, 9], key: key) == [
                .init(length: 3, entries: EntrySet([0])), .init(length: 2, entries: EntrySet([0, 200])),
            ])
        #expect(tree.matches([9], key: key).isEmpty)
        #expect(tree.matches([1], key: PrefixKey(scope: 1)).isEmpty)
    }

    /// 200 conversations of 2,000 items with a common beginning of 500.
    @Test func bookkeepingIsBelow64BytesPerItem() {
        var tree = PrefixTree()
        let beginning = (0..<500).map { Int32($0) }
        for entry in 0..<200 {
            tree.insert(
                (beginning + (0..<1_500).map { Int32($0 * 31 + entry) })[...], key: PrefixKey(), entry: entry)
        }
        let items = tree.itemCount(of: EntrySet(0..<200))
        #expect(items == 500 + 200 * 1_500)
        #expect(tree.byteCount < 64 * items)
    }
}

/// A small generator of numbers, so that a test repeats exactly.
struct CounterRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next(below limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(limit))
    }
}
