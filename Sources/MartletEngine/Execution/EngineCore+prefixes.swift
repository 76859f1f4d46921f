import Llama
import MartletProtocol

/// Pinned prefixes with ids: their use, their places, and their return from a tier.
///
/// A pinned prefix that has to leave the KV cache goes to the tiers, where normal prefixes do not evict it. The engine
/// remembers its items, so the prefix is still known there: its status names the tier, and `unpin` reaches it. A
/// prompt that restores it pins it in the KV cache again, if an entry is free for it.
extension EngineCore {
    /// Records the items of a prefix that a retained entry holds now. Other items of the same id lose their pins.
    func notePrefix(_ prefix: PinnedPrefixID, in entry: KVEntryID) {
        let items = kvCache.items(of: entry)
        guard !items.isEmpty, kvCache[entry].isPinned else { return }
        if let old = pinnedPrefixes[prefix], old.items != items { unpin(prefix) }
        pinnedPrefixes[prefix] = PinnedItems(
            key: kvCache[entry].key, items: items, use: pinnedPrefixes[prefix]?.use ?? PrefixUse())
    }

    /// The pinned prefixes that the prompt of a sequence begins with.
    ///
    /// - Complexity: linear in the items that the prompt has in common with them.
    func pinnedPrefixes(of sequence: EngineSequence) -> [PinnedPrefixID] {
        let key = sequence.exactKey
        return pinnedPrefixes.filter { _, prefix in
            // The last tokens of a prefix may differ: the text behind them can become part of a token.
            prefix.key == key
                && PrefixTree.commonPrefix(prefix.items[...], sequence.history[...]) + 2 >= prefix.items.count
        }.map(\.key).sorted { $0.rawValue < $1.rawValue }
    }

    /// Counts the use of the pinned prefixes that a sequence reuses.
    func recordUse(of prefixes: [PinnedPrefixID], at now: MonotonicTime) {
        for prefix in prefixes { pinnedPrefixes[prefix]?.use.record(at: now) }
    }

    /// The pinned prefixes that entries or tiers hold, and the others without a tier.
    func prefixStatuses(at now: MonotonicTime) -> [PinnedPrefixStatus] {
        guard !pinnedPrefixes.isEmpty else { return [] }
        return pinnedPrefixes.map { id, prefix in
            var status = PinnedPrefixStatus(id)
            status.tokens = prefix.items.count
            status.tier =
                isCached(id, prefix) ? .kvCache : kvCache.tiers.holder(of: id, prefix.items, key: prefix.key)
            if prefix.use.hits > 0 { (status.hits, status.idleTime) = (prefix.use.hits, now - prefix.use.last) }
            return status
        }.sorted { $0.id.rawValue < $1.id.rawValue }
    }

    /// Whether an entry of the KV cache holds a whole prefix.
    private func isCached(_ id: PinnedPrefixID, _ prefix: PinnedItems) -> Bool {
        kvCache.entries.contains { $0.isPinned && $0.prefix == id && $0.count >= prefix.items.count }
    }

    /// Removes the pin of a prefix, in the KV cache and in the tiers. Its items are evicted like others from now on.
    func unpin(_ prefix: PinnedPrefixID) {
        kvCache.unpin(prefix)
        guard let known = pinnedPrefixes.removeValue(forKey: prefix) else { return }
        // Another name may stand for the same items.
        guard !pinnedPrefixes.values.contains(where: { $0.key == known.key && $0.items == known.items }) else { return }
        kvCache.tiers.unpin(known.items[...], key: known.key)
    }

    /// Pins the prefixes of a sequence in the KV cache again, after a tier has restored the sequence's entry.
    ///
    /// A prefix gets an entry of its own: one that costs nothing (unified), or an empty one.
    ///
    /// - Parameter common: the number of items of the restored entry that the prompt begins with.
    func pinAgain(_ prefixes: [PinnedPrefixID], from source: KVEntryID, common: Int) {
        for id in prefixes {
            guard let prefix = pinnedPrefixes[id], common >= prefix.items.count,
                !isCached(id, prefix),
                let victim = ReusePolicy.victim(reuseHolders).map({ KVEntryID(rawValue: $0) }),
                kvCache[victim].count == 0 || (kvCache.isUnified && !kvCache[victim].isPinned)
            else { continue }
            kvCache.evict(victim)
            kvCache.copy(source, to: victim, count: prefix.items.count)
            // Memory that cannot be cut there goes back to a checkpoint before the end of the prefix.
            guard kvCache[victim].count == prefix.items.count else {
                kvCache.clear(victim)
                continue
            }
            kvCache.adopt(victim, items: prefix.items, key: prefix.key, isPinned: true, at: stepNumber)
            kvCache.label(victim, id)
        }
    }
}

/// A pinned prefix with an id, from the time when it was computed until it is unpinned.
struct PinnedItems {
    var key: PrefixKey
    var items: [Int32]
    var use: PrefixUse
}

/// The use of a pinned prefix since the start of the engine.
struct PrefixUse {
    private(set) var hits: UInt64 = 0
    private(set) var last = MonotonicTime(nanoseconds: 0)

    /// Counts one request.
    mutating func record(at now: MonotonicTime) {
        hits += 1
        last = now
    }
}
