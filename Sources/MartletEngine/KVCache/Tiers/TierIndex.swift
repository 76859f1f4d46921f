/// The prefixes of a tier: lookup by items, and eviction by bytes in the order of use.
///
/// Example: a RAM tier of 8 GiB has 40 conversations. A prompt looks for the prefix that shares most of its items within
/// its own scope; a new prefix evicts the least recently used ones until it fits. Entries are shared: a lookup does not
/// remove an entry, so that several sequences may continue the same prefix.
///
/// The type is pure: `Payload` is the state itself in the RAM tier, and the name of a file in the disk tier.
///
/// Complexity: a lookup compares the prompt with the items of every entry that begins with the same `headCount` items and
/// has the same key, up to the first difference. Other entries cost nothing: a thousand conversations of other clients
/// would otherwise add half a millisecond to each first token.
struct TierIndex<Payload> {
    struct Entry {
        var id: UInt64 = 0
        var key: PrefixKey
        var items: [Int32]
        /// The item counts of the checkpoints, ascending.
        var checkpoints: [Int] = []
        /// The first position that the state has cells for; above 0 only with a sliding window.
        var firstPosition = 0
        var byteCount: Int
        /// Whether only other pinned entries may evict this one.
        var isPinned = false
        var payload: Payload
        /// The time of the last use; larger = later.
        fileprivate(set) var lastUsed: UInt64 = 0
    }

    /// A usable prefix of an entry.
    struct Hit: Equatable {
        var id: UInt64
        /// The number of items that need not be computed.
        var length: Int
        /// The number of items in the state of the entry.
        var stateCount: Int
        /// Whether a checkpoint at `length` is restored on top of the state.
        var usesCheckpoint = false
    }

    enum Insertion {
        /// The tier has an entry that serves the same prompts.
        case present(id: UInt64)
        /// The entry exceeds the limit, or only pinned entries could be evicted for it.
        case rejected
        /// The entry was inserted. `removed` are entries that it makes useless, and evicted ones.
        case inserted(id: UInt64, removed: [Entry], evictions: Int)
    }

    /// Entries with equal beginnings.
    private struct Head: Hashable {
        var key: PrefixKey
        var items: ArraySlice<Int32>
    }

    let kind: MemoryKind
    let limit: Int
    /// The number of items that an entry and a prompt have in common at least, if the prompt is to find the entry.
    let headCount: Int
    private(set) var byteCount = 0
    private var entries: [UInt64: Entry] = [:]
    /// The ids of the entries by their beginnings.
    private var heads: [Head: [UInt64]] = [:]
    private var nextID: UInt64 = 1
    /// Grows with every inserted and every removed entry.
    private(set) var revision: UInt64 = 0
    private var time: UInt64 = 0

    /// - Parameters:
    ///   - limit: the largest number of bytes of all entries; 0 = the tier is off.
    ///   - headCount: the length of the shortest prefix that is worth finding.
    init(kind: MemoryKind, limit: Int, headCount: Int = 0) {
        self.kind = kind
        self.limit = limit
        self.headCount = headCount
    }

    var count: Int { entries.count }

    /// The number of items of all entries. Shared items count in each entry.
    private(set) var itemCount = 0

    subscript(id: UInt64) -> Entry? { entries[id] }

    // MARK: Lookup

    /// The entry with the longest usable prefix of a prompt. The last item of the prompt is never part of it, because
    /// its logits are needed.
    ///
    /// Of equally long prefixes the one with the smaller state is chosen, then the most recently used one.
    func lookup(_ items: ArraySlice<Int32>, key: PrefixKey) -> Hit? {
        var best: (hit: Hit, lastUsed: UInt64)?
        for entry in alike(items, key: key) {
            let common = PrefixTree.commonPrefix(entry.items[...], items)
            guard let hit = hit(entry, within: min(common, items.count - 1)) else { continue }
            if let best,
                (best.hit.length, -best.hit.stateCount, best.lastUsed)
                    >= (hit.length, -hit.stateCount, entry.lastUsed)
            {
                continue
            }
            best = (hit, entry.lastUsed)
        }
        return best?.hit
    }

    private func head(of items: ArraySlice<Int32>, key: PrefixKey) -> Head {
        Head(key: key, items: items.prefix(headCount))
    }

    /// The entries of a key that begin as `items` do.
    private func alike(_ items: ArraySlice<Int32>, key: PrefixKey) -> some Sequence<Entry> {
        (heads[head(of: items, key: key)] ?? []).lazy.compactMap { entries[$0] }
    }

    /// The longest prefix of an entry that ends at `limit` or before and can be continued.
    private func hit(_ entry: Entry, within limit: Int) -> Hit? {
        let ends = PrefixEnds(
            kind: kind, count: entry.items.count, checkpoints: entry.checkpoints, firstPosition: entry.firstPosition)
        let length = ends.usable(of: limit)
        guard length > 0 else { return nil }
        let isCheckpoint =
            length < entry.items.count && !kind.canCutAnywhere && entry.checkpoints.contains(length)
        return Hit(id: entry.id, length: length, stateCount: entry.items.count, usesCheckpoint: isCheckpoint)
    }

    /// Records the use of an entry.
    mutating func touch(_ id: UInt64) {
        time += 1
        entries[id]?.lastUsed = time
    }

    // MARK: Changes

    /// Whether a prefix needs no entry of its own, because an entry serves the same prompts.
    func entry(serving items: ArraySlice<Int32>, key: PrefixKey, isPinned: Bool) -> UInt64? {
        alike(items, key: key).first { entry in
            (entry.isPinned || !isPinned) && Self.serves(entry, items, kind)
        }?.id
    }

    /// Inserts an entry. Entries that the new one makes useless are removed, then the least recently used ones until it
    /// fits. A normal entry never evicts a pinned one.
    mutating func insert(_ new: Entry) -> Insertion {
        if let present = entry(serving: new.items[...], key: new.key, isPinned: new.isPinned) {
            touch(present)
            return .present(id: present)
        }
        guard new.byteCount <= limit, !new.items.isEmpty else { return .rejected }
        let useless = alike(new.items[...], key: new.key).filter { entry in
            (new.isPinned || !entry.isPinned) && Self.serves(new, entry.items[...], kind)
        }
        guard let victims = victims(for: new, useless: Set(useless.map(\.id))) else { return .rejected }
        let removed = (useless.map(\.id).sorted() + victims).compactMap { remove($0) }
        var new = new
        new.id = nextID
        nextID += 1
        revision += 1
        time += 1
        new.lastUsed = time
        entries[new.id] = new
        heads[head(of: new.items[...], key: new.key), default: []].append(new.id)
        byteCount += new.byteCount
        itemCount += new.items.count
        return .inserted(id: new.id, removed: removed, evictions: victims.count)
    }

    /// The entries to evict for a new one, the least recently used first; `nil` if it does not fit.
    private func victims(for new: Entry, useless: Set<UInt64>) -> [UInt64]? {
        var total = useless.reduce(byteCount + new.byteCount) { $0 - (entries[$1]?.byteCount ?? 0) }
        guard total > limit else { return [] }
        var candidates: [(order: (Int, UInt64), id: UInt64, byteCount: Int)] = []
        for (id, entry) in entries where !useless.contains(id) && (new.isPinned || !entry.isPinned) {
            candidates.append(((entry.isPinned ? 1 : 0, entry.lastUsed), id, entry.byteCount))
        }
        candidates.sort { $0.order < $1.order }
        var victims: [UInt64] = []
        for candidate in candidates where total > limit {
            total -= candidate.byteCount
            victims.append(candidate.id)
        }
        return total <= limit ? victims : nil
    }

    /// Removes an entry.
    @discardableResult
    mutating func remove(_ id: UInt64) -> Entry? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        let head = head(of: entry.items[...], key: entry.key)
        heads[head]?.removeAll { $0 == id }
        if heads[head]?.isEmpty ?? false { heads[head] = nil }
        revision += 1
        byteCount -= entry.byteCount
        itemCount -= entry.items.count
        return entry
    }

    /// Lets the entry that has exactly these items be evicted like others.
    mutating func unpin(_ items: ArraySlice<Int32>, key: PrefixKey) {
        for (id, entry) in entries where entry.isPinned && entry.key == key && entry.items[...] == items {
            entries[id]?.isPinned = false
        }
    }

    /// Removes the least recently used entry that is not pinned, for example to make room for others in a shared limit.
    @discardableResult
    mutating func removeOldest() -> Entry? {
        let oldest = entries.values.filter { !$0.isPinned }.min { $0.lastUsed < $1.lastUsed }
        return oldest.flatMap { remove($0.id) }
    }

    /// Whether `entry` serves the prompts that continue `items`: it begins with them, and can be continued there.
    ///
    /// Memory that cannot be cut continues at a checkpoint. A checkpoint slightly before the end costs little, and one
    /// slightly behind it serves all prompts that continue `items` with the same template.
    private static func serves(_ entry: Entry, _ items: ArraySlice<Int32>, _ kind: MemoryKind) -> Bool {
        guard entry.items.count >= items.count,
            PrefixTree.commonPrefix(entry.items[...], items) == items.count
        else { return false }
        if entry.items.count == items.count || kind.canCutAnywhere { return true }
        if case .slidingWindow(let window) = kind, entry.firstPosition <= max(0, items.count - window) { return true }
        let range = (items.count - items.count * 3 / 100)...(items.count + CheckpointPolicy.endSpan)
        return entry.checkpoints.contains { range.contains($0) }
    }
}
