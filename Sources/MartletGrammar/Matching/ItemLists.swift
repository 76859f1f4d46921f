/// A position in a program, with the stack of the rule that it lies in; a thread or a frame.
struct Item: BitwiseCopyable, Equatable {
    /// The point of the program, or -1 in `bottom`.
    var point: Int32
    /// The number of bytes read of a literal, the state of an automaton, or the count of a repetition.
    var state: Int32
    /// The number of the list of frames that the rule returns to.
    var stack: UInt32

    /// The frame of the root rule: the end of the text.
    static let bottom = Item(point: -1, state: 0, stack: 0)

    /// The order of items in lists.
    @inline(__always)
    static func precedes(_ left: Item, _ right: Item) -> Bool {
        if left.point != right.point { return left.point < right.point }
        if left.state != right.state { return left.state < right.state }
        return left.stack < right.stack
    }

    /// Mixes the three numbers into a hash, without `Hasher`: it runs for every item of every step.
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

/// Lists of items, each stored once, so that equal lists have equal numbers.
struct ItemLists: ~Copyable {
    struct Record: BitwiseCopyable {
        var start: UInt32
        var count: UInt32
        var hash: UInt32
        var flag: Bool
    }

    private var items = Arena<Item>(capacity: 256)
    private var records = Arena<Record>(capacity: 64)
    /// Numbers of lists by hash, plus one; 0 is free. The size is a power of two.
    private var table = Arena<UInt32>(repeating: 0, count: 128)

    var count: Int { records.count }

    var byteCount: Int { items.byteCount + records.byteCount + table.byteCount }

    /// Adds an empty list that is found only by its number.
    mutating func addEmpty() {
        records.append(Record(start: 0, count: 0, hash: 0, flag: false))
    }

    /// The number of items of a list.
    @inline(__always)
    func count(of list: UInt32) -> Int { Int(records[Int(list)].count) }

    /// The flag of a list: for configurations, whether the text may end.
    @inline(__always)
    func flag(of list: UInt32) -> Bool { records[Int(list)].flag }

    /// The item at an index of a list.
    @inline(__always)
    func item(_ index: Int, of list: UInt32) -> Item { items[Int(records[Int(list)].start) + index] }

    /// The number of a list, which is added if it is new.
    ///
    /// - Parameters:
    ///   - list: sorted, without repetition; memory outside of these lists.
    ///   - flag: a part of the list's identity.
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

    /// Doubles the table; items and records stay.
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
    /// Sorts the items and removes repetitions.
    ///
    /// - Returns: the number of items that remain, at the front.
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
