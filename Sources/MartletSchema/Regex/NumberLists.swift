/// Lists of numbers, each kept once and numbered in the order in which they come.
struct NumberLists {
    private var elements: [Int32] = []
    /// Where each list begins; one more for the end.
    private var starts: [Int32] = [0]
    private var hashes: [UInt32] = []
    /// Numbers of lists by hash, plus one; 0 = free. Its size is a power of two.
    private var slots = [Int32](repeating: 0, count: 64)
    /// Begins anew in each process, so that nobody can prepare lists that fall together.
    private static let seed = UInt64.random(in: 1 ... .max)

    var count: Int { hashes.count }

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

    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 4)
        for (number, hash) in hashes.enumerated() {
            var slot = Int(hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number + 1)
        }
    }
}
