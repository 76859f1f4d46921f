/// A partition of all Unicode scalars into classes. An automaton treats the members of a class alike.
///
/// It is stored as intervals: a class such as `\w` may have hundreds. Tables have a column for each class instead of
/// one for each of 1,114,112 scalars.
struct Alphabet: Hashable, Sendable {
    /// The first scalar of each interval, ascending, beginning with 0. An interval ends before the next one starts.
    private(set) var starts: [UInt32]
    /// The class of each interval.
    private(set) var classes: [Int32]
    private(set) var classCount: Int

    /// The coarsest partition in which each of `sets` is a union of classes.
    ///
    /// - Complexity: O(b log b + memberships), with b the bounds of all ranges.
    init(separating sets: [ScalarSet]) {
        var bounds: Set<UInt32> = [0]
        for set in sets {
            for range in set.ranges {
                bounds.insert(range.lowerBound)
                if range.upperBound < ScalarSet.largest { bounds.insert(range.upperBound + 1) }
            }
        }
        let starts = bounds.sorted()
        var memberships = [[Int32]](repeating: [], count: starts.count)
        for (number, set) in sets.enumerated() {
            var interval = 0
            for range in set.ranges {
                while starts[interval] < range.lowerBound { interval += 1 }
                while interval < starts.count, starts[interval] <= range.upperBound {
                    memberships[interval].append(Int32(number))
                    interval += 1
                }
            }
        }
        self.init(starts: starts, keys: memberships)
    }

    /// The common refinement of two partitions.
    ///
    /// - Returns: the alphabet, and for each of its classes the class in `left` and the class in `right`.
    static func merged(_ left: Alphabet, _ right: Alphabet) -> (Alphabet, pairs: [(Int, Int)]) {
        var starts: [UInt32] = []
        var keys: [[Int32]] = []
        var (i, j) = (0, 0)
        while i < left.starts.count || j < right.starts.count {
            let next = min(
                i < left.starts.count ? left.starts[i] : .max, j < right.starts.count ? right.starts[j] : .max)
            if i < left.starts.count, left.starts[i] == next { i += 1 }
            if j < right.starts.count, right.starts[j] == next { j += 1 }
            starts.append(next)
            keys.append([left.classes[i - 1], right.classes[j - 1]])
        }
        let alphabet = Alphabet(starts: starts, keys: keys)
        var pairs = [(Int, Int)](repeating: (0, 0), count: alphabet.classCount)
        for (interval, key) in keys.enumerated() {
            pairs[Int(alphabet.classes[interval])] = (Int(key[0]), Int(key[1]))
        }
        return (alphabet, pairs)
    }

    /// Numbers the intervals with equal keys alike.
    private init(starts: [UInt32], keys: [[Int32]]) {
        var numbers: [[Int32]: Int32] = [:]
        self.starts = starts
        classes = []
        classes.reserveCapacity(starts.count)
        for key in keys {
            let number = numbers[key] ?? Int32(numbers.count)
            numbers[key] = number
            classes.append(number)
        }
        classCount = numbers.count
    }

    /// The class of a scalar, by binary search.
    func classOf(_ scalar: UInt32) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= scalar { low = middle } else { high = middle }
        }
        return Int(classes[low])
    }

    /// The intervals with their classes, ascending.
    var intervals: [(range: ClosedRange<UInt32>, class: Int)] {
        starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1] - 1 : ScalarSet.largest
            return (starts[index]...end, Int(classes[index]))
        }
    }

    /// The scalars of each class.
    var sets: [ScalarSet] {
        var ranges = [[ClosedRange<UInt32>]](repeating: [], count: classCount)
        for interval in intervals { ranges[interval.class].append(interval.range) }
        return ranges.map { ScalarSet($0) }
    }

    /// The classes whose union is `set`.
    ///
    /// - Precondition: `set` is one that this alphabet separates.
    func classes(in set: ScalarSet) -> [Int] {
        var found: Set<Int32> = []
        for (interval, start) in starts.enumerated() where set.contains(start) { found.insert(classes[interval]) }
        return found.map(Int.init).sorted()
    }
}
