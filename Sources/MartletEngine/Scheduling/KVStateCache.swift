import MartletProtocol

/// What sequences held whose paused generations had to make room, and no more of it than a bound.
///
/// Whoever has been there for longest goes first: who has been paused for long is the least likely to go on soon.
struct KVStateCache {
    struct State: Equatable {
        var bytes: [UInt8]
        /// Tokens whose memory it is.
        var tokenCount: Int
        /// How many of them are still the beginning of the generation's history.
        var usableCount: Int

        init(bytes: [UInt8], tokenCount: Int) {
            self.bytes = bytes
            self.tokenCount = tokenCount
            usableCount = tokenCount
        }
    }

    private var states: [GenerationHandle: State] = [:]
    /// The longest there first.
    private var order: [GenerationHandle] = []
    private(set) var byteCount = 0
    let limit: Int

    init(limit: Int) { self.limit = limit }

    /// How many tokens' memory is kept for a generation.
    func tokenCount(of handle: GenerationHandle) -> Int { states[handle]?.usableCount ?? 0 }

    /// Leaves the memory of a generation's first `count` tokens.
    mutating func cut(_ handle: GenerationHandle, to count: Int) {
        let usable = min(count, tokenCount(of: handle))
        if usable > 0 { states[handle]?.usableCount = usable } else { remove(handle) }
    }

    /// Keeps a generation's memory for another one too, for a moment: its bytes count twice.
    mutating func copyState(of handle: GenerationHandle, to other: GenerationHandle) {
        guard let state = states[handle] else { return }
        insert(state, for: other)
    }

    /// Drops others until so many bytes fit.
    /// - Returns: `false` = they never do, and nothing was dropped.
    mutating func makeRoom(for count: Int) -> Bool {
        guard count <= limit else { return false }
        while byteCount > limit - count, let oldest = order.first { remove(oldest) }
        return true
    }

    /// Keeps a state for which there is room.
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
