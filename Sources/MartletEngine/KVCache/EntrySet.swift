/// A set of entries of the KV cache, as 256 bits. libllama has at most 256 sequence ids.
struct EntrySet: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    /// - Parameter entries: numbers from 0 to 255.
    init(_ entries: some Swift.Sequence<Int>) {
        for entry in entries { insert(entry) }
    }

    var isEmpty: Bool { words == (0, 0, 0, 0) }

    var count: Int {
        words.0.nonzeroBitCount + words.1.nonzeroBitCount + words.2.nonzeroBitCount + words.3.nonzeroBitCount
    }

    /// The smallest number in the set; `nil` if the set is empty.
    var first: Int? {
        if words.0 != 0 { return words.0.trailingZeroBitCount }
        if words.1 != 0 { return 64 + words.1.trailingZeroBitCount }
        if words.2 != 0 { return 128 + words.2.trailingZeroBitCount }
        return words.3 != 0 ? 192 + words.3.trailingZeroBitCount : nil
    }

    func contains(_ entry: Int) -> Bool { word(entry) & (1 << UInt64(entry % 64)) != 0 }

    mutating func insert(_ entry: Int) { setWord(entry, to: word(entry) | 1 << UInt64(entry % 64)) }

    mutating func remove(_ entry: Int) { setWord(entry, to: word(entry) & ~(1 << UInt64(entry % 64))) }

    /// The members that are not in `other`.
    func subtracting(_ other: EntrySet) -> EntrySet {
        var result = self
        result.words.0 &= ~other.words.0
        result.words.1 &= ~other.words.1
        result.words.2 &= ~other.words.2
        result.words.3 &= ~other.words.3
        return result
    }

    func intersects(_ other: EntrySet) -> Bool { subtracting(other) != self }

    /// The members in ascending order.
    var members: [Int] {
        var rest = self
        var members: [Int] = []
        while let entry = rest.first {
            members.append(entry)
            rest.remove(entry)
        }
        return members
    }

    private func word(_ entry: Int) -> UInt64 {
        switch entry / 64 {
        case 0: words.0
        case 1: words.1
        case 2: words.2
        default: words.3
        }
    }

    private mutating func setWord(_ entry: Int, to word: UInt64) {
        switch entry / 64 {
        case 0: words.0 = word
        case 1: words.1 = word
        case 2: words.2 = word
        default: words.3 = word
        }
    }

    static func == (first: EntrySet, second: EntrySet) -> Bool { first.words == second.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
