/// Counts the copies of states between libllama and ordinary memory.
///
/// Example: a prompt that returns from the RAM tier costs one copy of its own state. The state that it evicts was copied
/// before, while the engine was idle.
struct StateCopies: Sendable, Equatable {
    /// The number of copies: whole states and checkpoints, in both directions.
    private(set) var count = 0
    /// The bytes of all copies.
    private(set) var byteCount = 0

    /// Counts a copy of `byteCount` bytes.
    mutating func add(_ byteCount: Int) {
        count += 1
        self.byteCount += byteCount
    }
}
