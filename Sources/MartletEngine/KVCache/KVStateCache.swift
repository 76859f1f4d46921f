import MartletProtocol

/// The saved KV states of swapped-out sequences, up to a limit in bytes.
///
/// The oldest state is evicted first: a generation that has been paused for long is the least likely to be resumed
/// soon.
struct KVStateCache {
    struct State: Equatable {
        var bytes: [UInt8]
        /// The number of tokens in the state.
        var tokenCount: Int
        /// How many of these tokens are still a prefix of the generation's history.
        var usableCount: Int

        init(bytes: [UInt8], tokenCount: Int) {
            self.bytes = bytes
            self.tokenCount = tokenCount
            usableCount = tokenCount
        }
    }

    private var states: [GenerationHandle: State] = [:]
    /// The oldest state comes first.
    private var order: [GenerationHandle] = []
    private(set) var byteCount = 0
    let limit: Int

    init(limit: Int) { self.limit = limit }

    /// The number of usable tokens in the saved state of a generation; 0 without a state.
    func tokenCount(of handle: GenerationHandle) -> Int { states[handle]?.usableCount ?? 0 }

    /// Reduces the usable tokens of a state to the first `count`.
    mutating func cut(_ handle: GenerationHandle, to count: Int) {
        let usable = min(count, tokenCount(of: handle))
        if usable > 0 { states[handle]?.usableCount = usable } else { remove(handle) }
    }

    /// Copies the state of a generation for another one. Its bytes count twice until one of them is restored.
    mutating func copyState(of handle: GenerationHandle, to other: GenerationHandle) {
        guard let state = states[handle] else { return }
        insert(state, for: other)
    }

    /// Evicts other states until `count` bytes fit.
    ///
    /// - Returns: `false` if `count` exceeds the limit; then nothing is evicted.
    mutating func makeRoom(for count: Int) -> Bool {
        guard count <= limit else { return false }
        while byteCount > limit - count, let oldest = order.first { remove(oldest) }
        return true
    }

    /// Inserts a state. `makeRoom(for:)` must have returned `true` for its size.
    mutating func insert(_ state: State, for handle: GenerationHandle) {
        remove(handle)
        states[handle] = state
        order.append(handle)
        byteCount += state.bytes.count
    }

    @discardableResult
    mutating func remove(_ handle: GenerationHandle) -> State? {
        guard let state = states.removeValue(forKey: handle) else { return nil }
        order.removeAll { $0 == handle }
        byteCount -= state.bytes.count
        return state
    }
}
