import MartletTestSupport
import Testing

@testable import MartletGrammar

/// The matcher's collections, compared with collections of the standard library.
@Suite struct MatcherStoresTests {
    private struct Key: Hashable, Comparable {
        var point: Int32
        var state: Int32
        var stack: UInt32

        init(_ item: Item) { (point, state, stack) = (item.point, item.state, item.stack) }

        static func < (left: Key, right: Key) -> Bool {
            (left.point, left.state, left.stack) < (right.point, right.state, right.stack)
        }
    }

    /// Few different values, so that many are equal.
    private static func item(_ random: inout SeededGenerator) -> Item {
        Item(
            point: Int32.random(in: -1...6, using: &random), state: Int32.random(in: 0...3, using: &random),
            stack: UInt32.random(in: 0...2, using: &random))
    }

    @Test func sortingKeepsEachItemOnce() {
        var random = SeededGenerator(seed: 1)
        for count in [0, 1, 2, 5, 23, 24, 25, 26, 100, 400] {
            for _ in 0..<20 {
                var items = (0..<count).map { _ in Self.item(&random) }
                let expected = Set(items.map(Key.init)).sorted()
                let kept = items.withUnsafeMutableBufferPointer { $0.sortedUniqueCount() }
                #expect(items.prefix(kept).map(Key.init) == expected)
            }
        }
    }

    @Test func equalListsHaveEqualNumbers() {
        var random = SeededGenerator(seed: 2)
        var lists = ItemLists()
        var numbers: [[Key]: [Bool: UInt32]] = [:]
        var known = 0
        for round in 0..<3_000 {
            var items = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.item(&random) }
            let flag = Bool.random(using: &random)
            let kept = items.withUnsafeMutableBufferPointer { $0.sortedUniqueCount() }
            items = Array(items.prefix(kept))
            let count = lists.count
            let number = items.withUnsafeMutableBufferPointer { lists.number(of: $0, flag: flag) }
            let keys = items.map(Key.init)
            if let old = numbers[keys]?[flag] {
                known += 1
                let same = lists.count
                #expect(number == old && same == count)
            } else {
                let larger = lists.count
                #expect(Int(number) == count && larger == count + 1)
                numbers[keys, default: [:]][flag] = number
            }
            let (ownFlag, ownCount) = (lists.flag(of: number), lists.count(of: number))
            #expect(ownFlag == flag && ownCount == keys.count)
            if round % 97 == 0 {
                for (keys, flags) in numbers {
                    for number in flags.values {
                        var own: [Key] = []
                        for index in 0..<lists.count(of: number) { own.append(Key(lists.item(index, of: number))) }
                        #expect(own == keys)
                    }
                }
            }
        }
        #expect(known > 300)
    }

    @Test func queuesHoldEachItemOnceInOrder() {
        var random = SeededGenerator(seed: 3)
        var queue = ItemQueue()
        for _ in 0..<30 {
            var order: [Key] = []
            var seen: Set<Key> = []
            for _ in 0..<Int.random(in: 0...300, using: &random) {
                let item = Self.item(&random)
                queue.add(item)
                if seen.insert(Key(item)).inserted { order.append(Key(item)) }
            }
            var own: [Key] = []
            for index in 0..<queue.count { own.append(Key(queue[index])) }
            #expect(own == order)
            queue.removeAll()
            let count = queue.count
            #expect(count == 0)
        }
    }

    /// A rule is entered once, after all rules that may call it.
    @Test func callsComeByRankWithAllTheirFrames() {
        var random = SeededGenerator(seed: 4)
        let rules = (0..<12).map { _ in
            GrammarProgram.Rule(entry: 0, isNullable: false, rank: Int32.random(in: 0...50, using: &random))
        }
        var queue = CallQueue(ruleCount: rules.count)
        for _ in 0..<200 {
            var frames: [Int32: [Key]] = [:]
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let rule = Int32.random(in: 0..<12, using: &random)
                let frame = Self.item(&random)
                queue.add(rule, frame, rank: rules[Int(rule)].rank)
                frames[rule, default: []].append(Key(frame))
            }
            let count = queue.count
            #expect(count == frames.values.reduce(0) { $0 + $1.count })
            if Bool.random(using: &random) {
                queue.removeAll()
                let none = queue.popHighest(rules)
                #expect(none == nil)
                continue
            }
            var last = Int32.max
            while let rule = queue.popHighest(rules) {
                #expect(rules[Int(rule)].rank <= last)
                last = rules[Int(rule)].rank
                var found: [Key] = []
                queue.forEach(of: rule) { found.append(Key($0)) }
                #expect(Array(found.reversed()) == frames[rule])
                queue.remove(rule)
                frames[rule] = nil
            }
            #expect(frames.isEmpty)
            queue.removeAll()
        }
    }

    @Test func arenasGrowAndShrinkAsArraysDo() {
        var random = SeededGenerator(seed: 5)
        var arena = Arena<Int32>(capacity: 1)
        var model: [Int32] = []
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let value = Int32.random(in: 0...9, using: &random)
                arena.append(value)
                model.append(value)
            case 2:
                let count = Int.random(in: 0...9, using: &random)
                arena.append(7, times: count)
                model += [Int32](repeating: 7, count: count)
            case 3 where !model.isEmpty:
                let (last, expected) = (arena.removeLast(), model.removeLast())
                #expect(last == expected)
            default:
                let count = Int.random(in: 0...model.count, using: &random)
                arena.truncate(to: count)
                model.removeLast(model.count - count)
                let more: [Int32] = [1, 2, 3]
                more.withUnsafeBufferPointer { arena.append($0) }
                model += more
            }
            let (elements, byteCount) = (Array(arena.elements), arena.byteCount)
            #expect(elements == model && byteCount >= 4 * model.count)
        }
    }

    /// A count without maximum saturates at the minimum, so that there are finitely many states.
    @Test(
        arguments: [
            (0, nil, 0...4, [0, 0, 0]), (3, nil, 3...6, [1, 2, 3, 3, 3]), (2, 4, 2...4, [1, 2, 3, 4]),
            (1, 1, 1...1, [1]),
        ] as [(Int32, Int32?, ClosedRange<Int32>, [Int32])])
    func countersCount(minimum: Int32, maximum: Int32?, ends: ClosedRange<Int32>, steps: [Int32]) {
        let counter = Counter(body: 0, minimum: minimum, maximum: maximum ?? Counter.endless, isBodyNullable: false)
        var (count, taken) = (Int32(0), Int32(0))
        for step in steps {
            #expect(counter.canEnd(at: count) == (taken >= minimum))
            #expect(counter.canRepeat(at: count))
            count = counter.next(count)
            taken += 1
            #expect(count == step)
        }
        #expect(counter.canEnd(at: count) == ends.contains(taken))
        if let maximum { #expect(counter.canRepeat(at: count) == (taken < maximum)) }
        let nullable = Counter(body: 0, minimum: minimum, maximum: counter.maximum, isBodyNullable: true)
        #expect(nullable.canEnd(at: 0))
    }
}
