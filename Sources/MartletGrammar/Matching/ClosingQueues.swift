/// A queue of items without repetition.
struct ItemQueue: ~Copyable {
    private var items = Arena<Item>()
    /// Positions of items by hash, plus one; 0 is free. Used from 16 items on; below that a scan is faster.
    private var table = Arena<UInt32>(capacity: 1)

    private static let fewest = 16

    var count: Int { items.count }

    subscript(index: Int) -> Item { items[index] }

    /// Empties the queue; its memory stays.
    mutating func removeAll() {
        items.truncate(to: 0)
        table.truncate(to: 0)
    }

    /// Adds an item unless it is in the queue.
    mutating func add(_ item: Item) {
        if items.count < Self.fewest {
            for index in 0..<items.count where items[index] == item { return }
            items.append(item)
            return
        }
        if items.count * 2 >= table.count { growTable() }
        let slot = slot(for: item)
        guard table[slot] == 0 else { return }
        items.append(item)
        table[slot] = UInt32(items.count)
    }

    /// The slot of an item, or the free slot where it belongs.
    private func slot(for item: Item) -> Int {
        var hash: UInt64 = 0
        item.hash(into: &hash)
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while table[slot] != 0, items[Int(table[slot]) - 1] != item { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func growTable() {
        let size = max(64, 2 * table.count)
        table.truncate(to: 0)
        table.append(0, times: size)
        for index in 0..<items.count { table[slot(for: items[index])] = UInt32(index + 1) }
    }
}

/// The rules that were called, each with the frames it returns to, in the order of decreasing ranks.
///
/// A rule must be entered after all its callers are known. A caller at the same position has a higher rank, so a heap
/// by rank yields that order.
struct CallQueue: ~Copyable {
    struct Call: BitwiseCopyable {
        /// The position that the rule returns to, with its stack.
        var frame: Item
        /// The previous call of the same rule, or -1.
        var earlier: Int32
    }

    private var calls = Arena<Call>()
    /// The last call of each rule, or -1.
    private var last: Arena<Int32>
    /// The rules that were called: a heap with the highest rank in front.
    private var rules = Arena<Int32>()
    private var ranks = Arena<Int32>()

    init(ruleCount: Int) { last = Arena(repeating: -1, count: ruleCount) }

    var count: Int { calls.count }

    /// Adds a call.
    mutating func add(_ rule: Int32, _ frame: Item, rank: Int32) {
        if last[Int(rule)] < 0 {
            rules.append(rule)
            ranks.append(rank)
            siftUp()
        }
        calls.append(Call(frame: frame, earlier: last[Int(rule)]))
        last[Int(rule)] = Int32(calls.count - 1)
    }

    /// Removes and returns the rule with the highest rank.
    mutating func popHighest(_ programRules: [GrammarProgram.Rule]) -> Int32? {
        guard rules.count > 0 else { return nil }
        let rule = rules[0]
        let (lastRule, lastRank) = (rules.removeLast(), ranks.removeLast())
        if rules.count > 0 {
            rules[0] = lastRule
            ranks[0] = lastRank
            siftDown()
        }
        return rule
    }

    /// Visits the frames of all calls of a rule.
    @inline(__always)
    func forEach(of rule: Int32, _ body: (Item) -> Void) {
        var call = last[Int(rule)]
        while call >= 0 {
            body(calls[Int(call)].frame)
            call = calls[Int(call)].earlier
        }
    }

    /// Marks a rule as not called.
    mutating func remove(_ rule: Int32) { last[Int(rule)] = -1 }

    mutating func removeAll() {
        for index in 0..<rules.count { last[Int(rules[index])] = -1 }
        rules.truncate(to: 0)
        ranks.truncate(to: 0)
        calls.truncate(to: 0)
    }

    private func siftUp() {
        var position = rules.count - 1
        while position > 0 {
            let parent = (position - 1) / 2
            guard ranks[position] > ranks[parent] else { return }
            exchange(position, parent)
            position = parent
        }
    }

    private func siftDown() {
        var position = 0
        while true {
            var highest = position
            for child in [2 * position + 1, 2 * position + 2]
            where child < rules.count && ranks[child] > ranks[highest] { highest = child }
            guard highest != position else { return }
            exchange(position, highest)
            position = highest
        }
    }

    private func exchange(_ left: Int, _ right: Int) {
        (rules[left], rules[right]) = (rules[right], rules[left])
        (ranks[left], ranks[right]) = (ranks[right], ranks[left])
    }
}

/// For each point, the points that are reached without reading and without leaving the rule.
///
/// Independent of the text, therefore computed once per point, at first use.
struct PointClosures: ~Copyable {
    /// A range of reached points.
    struct Closure {
        var range: Range<Int>
        /// Whether the end of the rule is reached.
        var reachesEnd: Bool
    }

    struct Record: BitwiseCopyable {
        var start: UInt32
        var end: UInt32
        var reachesEnd: Bool
    }

    /// The record of each point, or -1.
    private var known: Arena<Int32>
    /// The closures that were computed, as ranges of `points`.
    private var records = Arena<Record>()
    private var points = Arena<Int32>()
    /// For each point, the number of the last search that reached it.
    private var visits: Arena<UInt32>
    private var visit: UInt32 = 0
    private var work = Arena<Int32>()

    init(pointCount: Int) {
        known = Arena(repeating: -1, count: pointCount)
        visits = Arena(repeating: 0, count: pointCount)
    }

    /// A reached point that reads something or calls a rule.
    @inline(__always)
    func point(_ index: Int) -> Int32 { points[index] }

    /// The closure of a point.
    @inline(__always)
    mutating func closure(of point: Int32, in program: GrammarProgram) -> Closure {
        let number = known[Int(point)]
        let record = records[Int(number >= 0 ? number : find(point, program))]
        return Closure(range: Int(record.start)..<Int(record.end), reachesEnd: record.reachesEnd)
    }

    /// Computes the closure of a point.
    private mutating func find(_ first: Int32, _ program: GrammarProgram) -> Int32 {
        let start = points.count
        var reachesEnd = false
        visit += 1
        reach(first)
        while work.count > 0 {
            let number = work.removeLast()
            let point = program.points[Int(number)]
            switch point.kind {
            case .split:
                for target in Int(point.first)..<Int(point.first + point.second) { reach(program.targets[target]) }
            case .end: reachesEnd = true
            case .call:
                points.append(number)
                if program.rules[Int(point.first)].isNullable { reach(point.next) }
            case .automaton:
                points.append(number)
                let automaton = program.automata[Int(point.first)]
                if automaton.traits(of: automaton.start) & ProgramAutomaton.isAccepting != 0 { reach(point.next) }
            case .literal, .set, .token, .itemBound: points.append(number)
            // Only `ProgramBuilder.emit(counter:)` creates such a point, as the entry of a rule. No other point leads
            // to an entry, and the store tests the kind of an entry before it asks for a closure.
            case .count: preconditionFailure("a counter is a rule of its own")
            }
        }
        records.append(Record(start: UInt32(start), end: UInt32(points.count), reachesEnd: reachesEnd))
        known[Int(first)] = Int32(records.count - 1)
        return Int32(records.count - 1)
    }

    /// Adds a point to the search unless it was reached before.
    private mutating func reach(_ point: Int32) {
        guard visits[Int(point)] != visit else { return }
        visits[Int(point)] = visit
        work.append(point)
    }
}
