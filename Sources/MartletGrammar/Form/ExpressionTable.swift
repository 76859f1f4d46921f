/// The expressions of a builder, numbered; equal expressions have one number.
///
/// An open-addressing hash table of numbers. Large tools have some 100,000 expressions, for which a dictionary with
/// `Hashable` keys is several times slower.
struct ExpressionTable {
    private(set) var expressions: [GrammarExpression] = []
    /// Numbers by hash, plus one; 0 is free. The size is a power of two, and at most half of the slots are used.
    private var slots = [Int32](repeating: 0, count: 64)
    private var hashes: [UInt32] = []

    /// Creates a table in which `never` has the number 0 and `empty` the number 1.
    init() {
        _ = add(.never)
        _ = add(.empty)
    }

    /// The number of an expression; `nil` if it is not in the table.
    func number(of expression: GrammarExpression) -> Int32? {
        let slot = slot(of: expression, Self.hash(of: expression))
        return slots[slot] == 0 ? nil : slots[slot] - 1
    }

    /// The number of an expression, which is added if it is new.
    mutating func add(_ expression: GrammarExpression) -> Int32 {
        let hash = Self.hash(of: expression)
        let slot = slot(of: expression, hash)
        if slots[slot] != 0 { return slots[slot] - 1 }
        expressions.append(expression)
        hashes.append(hash)
        slots[slot] = Int32(expressions.count)
        if expressions.count * 2 > slots.count { grow() }
        return Int32(expressions.count - 1)
    }

    /// Removes the expressions with numbers from `count` on.
    mutating func truncate(to count: Int) {
        guard count < expressions.count else { return }
        expressions.removeLast(expressions.count - count)
        hashes.removeLast(hashes.count - count)
        fillSlots(count: slots.count)
    }

    /// The slot of an expression, or the free slot where it belongs.
    private func slot(of expression: GrammarExpression, _ hash: UInt32) -> Int {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if hashes[number] == hash, expressions[number] == expression { break }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func grow() { fillSlots(count: slots.count * 4) }

    private mutating func fillSlots(count: Int) {
        slots = [Int32](repeating: 0, count: count)
        let mask = slots.count - 1
        for (number, hash) in hashes.enumerated() {
            var slot = Int(hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(number + 1)
        }
    }

    /// A hash of the expression's contents.
    ///
    /// It begins with a random seed per process, so that a client cannot prepare a schema whose expressions
    /// collide.
    private static func hash(of expression: GrammarExpression) -> UInt32 {
        var hash = seed
        func mix(_ value: UInt64) {
            hash = (hash ^ value) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        switch expression {
        case .never: mix(0)
        case .empty: mix(1)
        case .literal(let bytes):
            mix(2)
            var word: UInt64 = 1
            for byte in bytes {
                word = word << 8 | UInt64(byte)
                if word >> 56 != 0 {
                    mix(word)
                    word = 1
                }
            }
            mix(word)
        case .set(let set):
            mix(3)
            for word in set.encoded { mix(word) }
        case .sequence(let parts):
            mix(4)
            for part in parts { mix(UInt64(truncatingIfNeeded: part)) }
        case .choice(let parts):
            mix(5)
            for part in parts { mix(UInt64(truncatingIfNeeded: part)) }
        case .repetition(let body, let minimum, let maximum):
            mix(6)
            mix(UInt64(truncatingIfNeeded: body))
            mix(UInt64(truncatingIfNeeded: minimum))
            mix(UInt64(truncatingIfNeeded: maximum ?? -1))
        case .reference(let rule): mix(7 + UInt64(truncatingIfNeeded: rule) << 8)
        case .automaton(let number): mix(8 + UInt64(truncatingIfNeeded: number) << 8)
        case .token(let term): mix(UInt64(truncatingIfNeeded: term.hashValue))
        case .itemBound(let byte, let opens): mix(9 + UInt64(byte) << 8 + (opens ? 1 << 16 : 0))
        }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    private static let seed = UInt64.random(in: 1 ... .max)
}
