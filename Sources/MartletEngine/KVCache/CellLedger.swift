/// Counts the cells of a unified KV cache, in which entries share cells.
///
/// libllama frees a cell when the last sequence id leaves it. The ledger follows that: a *segment* is a run of cells with
/// the same set of entries. Segments form a tree, because entries share beginnings only.
///
/// ```
///  cells 0..<600 {0, 1} ─┬─ cells 600..<700 {0}     entry 0 has 700 items, entry 1 has 650: 750 cells are used
///                        └─ cells 600..<650 {1}
/// ```
///
/// Invariant: a segment has at least one entry; every entry ends at the end of a segment.
struct CellLedger: Sendable {
    private struct Segment: Sendable {
        /// -1 = the segment begins at position 0.
        var parent: Int
        var count: Int
        var entries = EntrySet()
        var childCount = 0
    }

    private var segments: [Segment] = []
    private var freeSegments: [Int] = []
    /// The last segment of each entry; -1 = the entry is empty.
    private var ends: [Int]

    /// The number of cells in use, those of several entries counted once.
    private(set) var usedCount = 0

    init(entryCount: Int) { ends = Array(repeating: -1, count: entryCount) }

    /// The number of items of an entry.
    func count(of entry: Int) -> Int {
        var count = 0
        var segment = ends[entry]
        while segment >= 0 {
            count += segments[segment].count
            segment = segments[segment].parent
        }
        return count
    }

    /// The number of cells that only this entry uses.
    func ownCount(of entry: Int) -> Int {
        var count = 0
        var segment = ends[entry]
        while segment >= 0, segments[segment].entries.count == 1 {
            count += segments[segment].count
            segment = segments[segment].parent
        }
        return count
    }

    /// Adds `count` new cells at the end of an entry.
    mutating func append(_ count: Int, to entry: Int) {
        guard count > 0 else { return }
        usedCount += count
        let end = ends[entry]
        if end >= 0, segments[end].childCount == 0, segments[end].entries.count == 1 {
            segments[end].count += count
        } else {
            ends[entry] = add(Segment(parent: end, count: count, entries: EntrySet(CollectionOfOne(entry))))
        }
    }

    /// Shares all cells of `source` with `target`, which is empty.
    mutating func share(_ source: Int, with target: Int) {
        ends[target] = ends[source]
        var segment = ends[source]
        while segment >= 0 {
            segments[segment].entries.insert(target)
            segment = segments[segment].parent
        }
    }

    /// Removes the cells of an entry behind its first `count`.
    mutating func cut(_ entry: Int, to count: Int) {
        var length = self.count(of: entry)
        while length > count {
            let end = ends[entry]
            let start = length - segments[end].count
            if start < count { split(end, at: count - start) }
            leave(end, entry)
            length = max(start, count)
        }
    }

    /// Removes `range` from an entry, and moves later cells down.
    mutating func remove(_ range: Range<Int>, from entry: Int) {
        // Only the counts matter. The cells behind the range stay in use, so the entry loses as many at the end; a shared
        // cell in the range stays in use too, and later cells are then counted as the entry's own.
        let rest = count(of: entry) - range.upperBound
        cut(entry, to: range.lowerBound)
        append(rest, to: entry)
    }

    private mutating func add(_ segment: Segment) -> Int {
        if segment.parent >= 0 { segments[segment.parent].childCount += 1 }
        guard let number = freeSegments.popLast() else {
            segments.append(segment)
            return segments.count - 1
        }
        segments[number] = segment
        return number
    }

    /// Splits a segment. The lower part keeps the number, its entries' ends and its children.
    private mutating func split(_ number: Int, at count: Int) {
        var upper = segments[number]
        upper.count = count
        upper.childCount = 1
        // The parent's number of children does not change: the upper part replaces the lower one.
        if upper.parent >= 0 { segments[upper.parent].childCount -= 1 }
        let above = add(upper)
        segments[number].count -= count
        segments[number].parent = above
    }

    /// Ends an entry at the parent of its last segment, and frees that segment if the entry was its last.
    private mutating func leave(_ number: Int, _ entry: Int) {
        let parent = segments[number].parent
        ends[entry] = parent
        segments[number].entries.remove(entry)
        guard segments[number].entries.isEmpty else { return }
        usedCount -= segments[number].count
        if parent >= 0 { segments[parent].childCount -= 1 }
        freeSegments.append(number)
    }
}
