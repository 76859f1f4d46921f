/// The rules by which stored responses stay: an age, and a number of bytes together.
///
/// The index has about 64 bytes for each response; the responses themselves are in files. Pure: time is a value in
/// seconds since 1970, which never goes back between two calls of `add`.
struct ResponseIndex: Sendable {
    /// The limits of stored responses.
    struct Limits: Sendable, Equatable {
        /// Seconds from the creation of a response to its removal.
        var age: Int64
        /// Bytes of all responses together.
        var byteCount: Int
    }

    /// 128 bits of an id.
    struct Key: Hashable, Sendable {
        private var high: UInt64
        private var low: UInt64

        /// - Returns: nil unless the text is 32 lower-case hexadecimal digits.
        init?(_ text: String) {
            let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            guard text.utf8.count == 32, text.utf8.allSatisfy(isDigit),
                let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
            else { return nil }
            self.high = high
            self.low = low
        }

        /// The id.
        var text: String {
            [high, low].map { part in
                let digits = String(part, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined()
        }
    }

    private struct Entry: Sendable {
        var created: Int64
        var byteCount: Int
        /// The place in the order of all additions.
        var number: Int
    }

    private let limits: Limits
    private var entries: [Key: Entry] = [:]
    /// The ids in the order of their addition. Removed ids, and ids that were added again, are skipped.
    private var order: [Key] = []
    /// The number of the first id of `order`.
    private var firstNumber = 0
    /// The first index of `order` that was not skipped.
    private var head = 0
    /// Bytes of all responses together.
    private(set) var byteCount = 0

    init(_ limits: Limits) { self.limits = limits }

    /// The number of responses.
    var count: Int { entries.count }

    /// The ids, the newest first. Complexity: O(n).
    var newest: [Key] {
        order.indices.reversed().filter { entries[order[$0]]?.number == firstNumber + $0 }.map { order[$0] }
    }

    /// Adds a response, the youngest one.
    ///
    /// - Returns: the ids of responses that have to go: responses that are too old, then the oldest ones until the
    ///   others fit. A response that would not fit alone is the only one that goes.
    /// - Complexity: O(1) amortized, and O(returned ids).
    mutating func add(_ key: Key, created: Int64, byteCount: Int, now: Int64) -> [Key] {
        remove(key)
        guard byteCount <= limits.byteCount else { return [key] }
        entries[key] = Entry(created: created, byteCount: byteCount, number: firstNumber + order.count)
        order.append(key)
        self.byteCount += byteCount
        var removed = expire(at: now)
        while self.byteCount > limits.byteCount, let oldest {
            remove(oldest)
            removed.append(oldest)
        }
        return removed
    }

    /// The response that was added first.
    private var oldest: Key? {
        mutating get {
            while head < order.count {
                if entries[order[head]]?.number == firstNumber + head { return order[head] }
                head += 1
                // The skipped half goes at once, so that each id is moved once at most.
                guard head > 32, head * 2 > order.count else { continue }
                order.removeFirst(head)
                firstNumber += head
                head = 0
            }
            return nil
        }
    }

    /// Whether a response is stored and not too old.
    func contains(_ key: Key, now: Int64) -> Bool {
        entries[key].map { $0.created + limits.age > now } ?? false
    }

    /// The bytes of a response; nil if there is none.
    func byteCount(of key: Key) -> Int? { entries[key]?.byteCount }

    /// Removes responses that are too old.
    /// - Returns: their ids.
    mutating func expire(at now: Int64) -> [Key] {
        var removed: [Key] = []
        while let oldest, let entry = entries[oldest], entry.created + limits.age <= now {
            remove(oldest)
            removed.append(oldest)
        }
        return removed
    }

    /// Removes a response. An unknown id has no effect.
    mutating func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { byteCount -= entry.byteCount }
    }
}
