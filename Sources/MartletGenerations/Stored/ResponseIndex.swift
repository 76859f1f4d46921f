/// The rules by which stored responses stay: an age, and a number of bytes together.
///
/// The index has 40 bytes for each response; the responses themselves are in files. Pure: time is a value in seconds
/// since 1970.
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
    }

    private let limits: Limits
    private var entries: [Key: Entry] = [:]
    /// Bytes of all responses together.
    private(set) var byteCount = 0

    init(_ limits: Limits) { self.limits = limits }

    /// The number of responses.
    var count: Int { entries.count }

    /// Adds a response.
    /// - Returns: the ids of responses that have to go: those that are too old, and then the oldest ones until the
    ///   others fit. The new response is among them if it does not fit alone.
    mutating func add(_ key: Key, created: Int64, byteCount: Int, now: Int64) -> [Key] {
        remove(key)
        entries[key] = Entry(created: created, byteCount: byteCount)
        self.byteCount += byteCount
        var removed = expire(at: now)
        while self.byteCount > limits.byteCount, let oldest = entries.min(by: { $0.value.created < $1.value.created }) {
            remove(oldest.key)
            removed.append(oldest.key)
        }
        return removed
    }

    /// Whether a response is stored and not too old.
    func contains(_ key: Key, now: Int64) -> Bool {
        entries[key].map { $0.created + limits.age > now } ?? false
    }

    /// Removes responses that are too old.
    /// - Returns: their ids.
    mutating func expire(at now: Int64) -> [Key] {
        let old = entries.filter { $0.value.created + limits.age <= now }.map(\.key)
        for key in old { remove(key) }
        return old
    }

    /// Removes a response. An unknown id has no effect.
    mutating func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { byteCount -= entry.byteCount }
    }
}
