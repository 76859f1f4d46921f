import MartletProtocol

/// The relation of a sequence to the cache: the tier of its prefix, its checkpoints to come. Thread: the engine thread only.
struct PrefixReuse {
    /// The entry of the disk tier whose file is being read for the sequence; only while it waits for a slot.
    var awaitedState: UInt64?
    /// Whether the sequence computes its prompt instead of restoring a state: libllama had no room for what it counted.
    /// A restored state would need the same room again.
    var avoidsTiers = false
    /// The positions at which a chunk of the prompt ends so that a checkpoint can be made, ascending.
    var checkpointStops: [Int] = []
    /// Whether the entry has items that were moved to other positions.
    var isShifted = false
    /// The prompt tokens that were moved to other positions for the sequence.
    var movedCount = 0
    /// The tier that the cached tokens came from; `nil` if there were none.
    var tier: CacheTier?
    /// The cached prompt tokens that came from a tier outside of the KV cache.
    private(set) var restored = RestoredTokens()

    /// Records the number of cached prompt tokens when the sequence gets its first slot.
    mutating func recordStart(cachedTokens count: Int) {
        switch tier {
        case .ram: restored.ram = count
        case .disk: restored.disk = count
        case .kvCache, nil: break
        }
    }
}
