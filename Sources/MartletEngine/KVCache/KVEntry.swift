import MartletProtocol

/// The name of one entry of the KV cache: a sequence id of libllama.
struct KVEntryID: Hashable, Sendable {
    let rawValue: Int
}

/// The key under which a prefix may be reused. Entries with different keys never share items.
struct PrefixKey: Hashable, Sendable {
    /// The cache scope of the request: prompts of different scopes never reuse each other's items.
    var scope: UInt64 = 0
    /// The adapters that the items were computed with.
    var adapters: [AdapterScale] = []
    /// Whether items were moved to other positions (see `ShiftedReuse`), so that their values are approximations. Only
    /// requests that allow this reuse them.
    var isShifted = false
}

/// One entry of the KV cache: the cells that libllama stores under one sequence id. Its items are in the `PrefixTree`.
struct KVEntry {
    /// The holder of an entry.
    enum Use: Equatable {
        /// No sequence runs on it. Its items, if it has any, are a prefix that later prompts may reuse.
        case retained
        /// The sequence in this slot runs on it.
        case running(slot: Int)
    }

    let id: KVEntryID
    var use = Use.retained
    /// The number of computed items: a prefix of the sequence's history, or all items of a retained entry.
    var count = 0
    /// The number of leading items that were computed as in an engine without reuse: whole chunks of a prompt.
    var exactCount = 0
    var key = PrefixKey()
    /// The states to which layers that cannot be cut may go back, ascending.
    var checkpoints: [KVCheckpoint] = []
    /// Whether the items were restored from a checkpoint, since the sequence on the entry began.
    var usesCheckpoint = false
    /// The number of items at which the disk tier has refused the entry for good.
    var refusedCount = 0
    /// The number of the step in which the entry was last used.
    var lastUsed: UInt64 = 0
    /// `KVCache.computedCount` at the last use, or when the entry was to move to the RAM tier and could not.
    var idleSince = 0
    /// Whether the entry is evicted after all others.
    var isPinned = false
    /// The pinned prefix that the items are; it has a meaning only while the entry is pinned.
    var prefix: PinnedPrefixID?

    init(id: KVEntryID) { self.id = id }

    /// The slot of the sequence that runs on the entry; `nil` if none does.
    var slot: Int? { if case .running(let slot) = use { slot } else { nil } }
}
