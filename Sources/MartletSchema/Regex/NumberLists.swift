/// Lists of integers, each stored once and numbered in the order of their arrival.
///
/// A hash table with open addressing over one array of elements: subset construction looks up millions of small lists,
/// and a dictionary of arrays would allocate each.
struct NumberLists {
    private var elements: [Int32] = []
    /// The first element of each list, and the end of the last.
    private var starts: [Int32] = [0]
    private var hashes: [UInt32] = []
    /// The numbers of lists by hash, plus one; 0 is free. The size is a power of two, at most half full.
    private var slots = [Int32](repeating: 0, count: 64)
    /// Random per process, so that a client cannot prepare lists with equal hashes.
    private static let seed = UInt64.random(in: 1 ... .max)

    var count: Int { hashes.count }

    /// The elements of a list.
    subscript(number: Int32) -> ArraySlice<Int32> { elements[Int(starts[Int(number)])..<Int(starts[Int(number) + 1])] }

    /// The number of a list, which is added if it is new.
    mutating func number(of list: [Int32]) -> Int32 {
        var hash = Self.seed
        for element in list {
            hash = (hash ^ UInt64(truncatingIfNeeded: element)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        let short = UInt32(truncatingIfNeeded: hash)
        var slot = Int(short) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if hashes[Int(number)] == short, self[number].elementsEqual(list) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(count + 1)
        elements += list
        starts.append(Int32(elements.count))
        hashes.append(short)
        if count * 2 > slots.count { grow() }
        return Int32(count - 1)
    }

    /// Makes the table four times as large.
    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 4)
        for (number, hash) in hashes.enumerated() {
            var slot = Int(hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number + 1)
        }
    }
}
