import MartletProtocol

/// Counts the copies of states between libllama and ordinary memory, and measures their speed.
///
/// Example: a prompt that returns from the RAM tier costs one copy of its own state. The state that it evicts was copied
/// before, while the engine was idle.
struct StateCopies: Sendable {
    /// The number of copies: whole states and checkpoints, in both directions.
    private(set) var count = 0
    /// The bytes of all copies.
    private(set) var byteCount = 0
    /// A moving average of copies into new memory, which are the slow direction. The first value is a cautious guess.
    private var nanosecondsPerByte = 1.0
    /// A smaller copy measures overhead rather than speed.
    private static let smallestSample = 1 << 20

    /// Counts a copy of `byteCount` bytes.
    ///
    /// - Parameter duration: the duration of a copy into new memory; `nil` = of another copy.
    mutating func add(_ byteCount: Int, in duration: Duration? = nil) {
        count += 1
        self.byteCount += byteCount
        guard let duration, byteCount >= Self.smallestSample else { return }
        let sample = max(0.01, duration / .nanoseconds(byteCount))
        nanosecondsPerByte += (sample - nanosecondsPerByte) * 0.25
    }

    /// The number of bytes that are copied into new memory in `duration`.
    func byteCount(in duration: Duration) -> Int { Int(min(1e15, duration / .nanoseconds(1) / nanosecondsPerByte)) }
}
