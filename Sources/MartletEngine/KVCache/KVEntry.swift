import MartletProtocol

/// The name of one entry of the KV cache: a sequence id of libllama.
struct KVEntryID: Hashable, Sendable {
    let rawValue: Int
}

/// The key under which a prefix may be reused. Entries with different keys never share items.
struct PrefixKey: Hashable, Sendable {
    /// The adapters that the items were computed with.
    var adapters: [AdapterScale] = []
}

/// One entry of the KV cache: the cells that libllama stores under one sequence id. Thread: the engine thread only.
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
    /// The number of computed items: a prefix of the sequence's history, or of `items` while no sequence runs on it.
    var count = 0
    /// The entry that shares its first items with this one, and their number. Shared items need no cells of their own.
    var sharing: (entry: KVEntryID, count: Int)?
    /// The items of a retained entry; empty while a sequence runs on it, because its history has them.
    var items: [Int32] = []
    var key = PrefixKey()
    /// The number of the step in which the entry was last used.
    var lastUsed: UInt64 = 0

    init(id: KVEntryID) { self.id = id }

    /// The number of items that are not shared with another entry.
    var ownCount: Int { count - min(count, sharing?.count ?? 0) }

    /// The slot of the sequence that runs on the entry; `nil` if none does.
    var slot: Int? { if case .running(let slot) = use { slot } else { nil } }
}
