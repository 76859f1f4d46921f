/// A place in a grammar that a thread is at, or that a rule returns to, with the stack of the rule it lies in.
struct Item: BitwiseCopyable, Equatable {
    /// A point of the program, or `bottom`.
    var point: Int32
    /// Bytes of a literal, state of an automaton, or a count.
    var state: Int32
    var stack: UInt32

    /// Where the root rule returns to: the end of the text.
    static let bottom = Item(point: -1, state: 0, stack: 0)

    @inline(__always)
    static func precedes(_ left: Item, _ right: Item) -> Bool {
        if left.point != right.point { return left.point < right.point }
        if left.state != right.state { return left.state < right.state }
        return left.stack < right.stack
    }

    @inline(__always)
    func hash(into hash: inout UInt64) {
        hash =
            (hash ^ UInt64(UInt32(bitPattern: point)) ^ UInt64(UInt32(bitPattern: state)) << 32)
            &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ hash >> 29 ^ UInt64(stack)) &* 0xBF58_476D_1CE4_E5B9
        hash ^= hash >> 32
    }
}

// `ItemLists.Record` and its like are not private: the compiler fails on a noncopyable generic buffer of a type that is
// private to another file.

/// Lists of items, each kept once, so that equal lists have equal numbers.
struct ItemLists: ~Copyable {
    struct Record: BitwiseCopyable {
        var start: UInt32
        var count: UInt32
        var hash: UInt32
        var flag: Bool
    }

    private var items = Arena<Item>(capacity: 256)
    private var records = Arena<Record>(capacity: 64)
    /// Numbers of lists by hash, plus one; 0 = free. Its size is a power of two.
    private var table = Arena<UInt32>(repeating: 0, count: 128)

    var count: Int { records.count }

    var byteCount: Int { items.byteCount + records.byteCount + table.byteCount }

    /// Adds a list that is found by its number only.
    mutating func addEmpty() {
        records.append(Record(start: 0, count: 0, hash: 0, flag: false))
    }

    @inline(__always)
    func count(of list: UInt32) -> Int { Int(records[Int(list)].count) }

    @inline(__always)
    func flag(of list: UInt32) -> Bool { records[Int(list)].flag }

    @inline(__always)
    func item(_ index: Int, of list: UInt32) -> Item { items[Int(records[Int(list)].start) + index] }

    /// The number of a list.
    ///
    /// - Parameters:
    ///   - list: without repetitions, in order; not of these lists' own memory.
    ///   - flag: part of what makes lists equal.
    mutating func number(of list: UnsafeMutableBufferPointer<Item>, flag: Bool = false) -> UInt32 {
        var hash: UInt64 = flag ? 0x1234_5678_9ABC_DEF1 : 0
        for item in list { item.hash(into: &hash) }
        let short = UInt32(truncatingIfNeeded: hash)
        let mask = table.count - 1
        var slot = Int(short) & mask
        while table[slot] != 0 {
            let candidate = table[slot] - 1
            let record = records[Int(candidate)]
            if record.hash == short, record.flag == flag, Int(record.count) == list.count,
                isEqual(Int(record.start), list)
            {
                return candidate
            }
            slot = (slot + 1) & mask
        }
        let number = UInt32(records.count)
        records.append(
            Record(start: UInt32(items.count), count: UInt32(list.count), hash: short, flag: flag))
        items.append(UnsafeBufferPointer(list))
        table[slot] = number + 1
        if records.count * 2 > table.count { growTable() }
        return number
    }

    private func isEqual(_ start: Int, _ list: UnsafeMutableBufferPointer<Item>) -> Bool {
        for index in 0..<list.count where items[start + index] != list[index] { return false }
        return true
    }

    private mutating func growTable() {
        let size = table.count * 2
        var larger = Arena<UInt32>(repeating: 0, count: size)
        for old in 0..<table.count where table[old] != 0 {
            var slot = Int(records[Int(table[old] - 1)].hash) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = table[old]
        }
        swap(&table, &larger)
    }
}

extension UnsafeMutableBufferPointer<Item> {
    /// Puts the items in order and the repetitions out.
    ///
    /// - Returns: how many are left, at the front.
    func sortedUniqueCount() -> Int {
        guard count > 1 else { return count }
        if count <= 24 {
            for index in 1..<count {
                let item = self[index]
                var position = index
                while position > 0, Item.precedes(item, self[position - 1]) {
                    self[position] = self[position - 1]
                    position -= 1
                }
                self[position] = item
            }
        } else {
            var items = self
            items.sort(by: Item.precedes)
        }
        var kept = 1
        for index in 1..<count where self[index] != self[kept - 1] {
            self[kept] = self[index]
            kept += 1
        }
        return kept
    }
}
