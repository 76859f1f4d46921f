import Logging
import MartletProtocol
import MartletStateFiles

/// The prefixes outside of the KV cache: a RAM tier and, if the configuration has a folder, a disk tier.
///
/// A prefix that leaves the KV cache is offered to the tiers. A prompt that shares more with a tier than with the KV
/// cache gets the state from the tier. Example: eight conversations alternate on four sequences; each turn restores its
/// own conversation from memory and computes only the new message.
///
/// Thread: the engine thread only.
final class PrefixTiers {
    /// A usable prefix of a tier.
    struct Hit: Equatable {
        var tier: CacheTier
        var id: UInt64
        /// The number of items that need not be computed.
        var length: Int
        /// The number of items in the state.
        var stateCount: Int
        var usesCheckpoint: Bool
    }

    /// A prefix of fewer items is computed faster than it is saved.
    static let minimumCount = 32
    /// The number of additional items from which a tier is preferred to the KV cache.
    static let gain = 32

    private(set) var ram: TierIndex<StoredState>
    let disk: DiskTier?
    /// States that were read from files for prompts that wait for them.
    private var loaded: [UInt64: StoredState] = [:]
    private(set) var reused: (ram: UInt64, disk: UInt64) = (0, 0)
    private var reservedByteCount = 0
    /// The tiers of pinned prefixes, as long as no tier changes.
    private var holders: [PinnedPrefixID: CacheTier?] = [:]
    private var holderRevision: (UInt64, UInt64) = (0, 0)
    /// Prefixes that the RAM tier has dropped to make room.
    private(set) var evictions: UInt64 = 0

    /// Requests that reused items, and requests that searched the cache and found none.
    private(set) var lookups: (hits: UInt64, misses: UInt64) = (0, 0)

    /// - Parameters:
    ///   - byteLimit: the limit of the RAM tier; 0 = there is none.
    ///   - disk: the disk tier; `nil` = there is none.
    init(kind: MemoryKind, byteLimit: Int, disk: DiskTier?) {
        ram = TierIndex(kind: kind, limit: byteLimit, headCount: Self.minimumCount)
        self.disk = disk
    }

    /// Whether there is a tier at all.
    var isActive: Bool { ram.limit > 0 || disk != nil }

    // MARK: Lookup

    /// The longest usable prefix of a prompt in a tier; of equally long ones, that in memory.
    func lookup(_ items: ArraySlice<Int32>, key: PrefixKey) -> Hit? {
        let memory = ram.lookup(items, key: key).map { Hit($0, .ram) }
        let file = disk?.lookup(items, key: key).map { Hit($0, .disk) }
        guard let file, file.length > memory?.length ?? 0 || loaded[file.id] != nil else { return memory }
        return file
    }

    /// The state of a hit; `nil` if it must be read from its file first.
    func state(of hit: Hit) -> StoredState? {
        switch hit.tier {
        case .ram:
            ram.touch(hit.id)
            return ram[hit.id]?.payload
        case .disk: return loaded[hit.id]
        case .kvCache: return nil
        }
    }

    /// Lets the reader read the file of a hit. `apply` receives its report.
    func read(_ hit: Hit) { disk?.read(hit.id) }

    /// Forgets the bytes of a file that no prompt waits for.
    func forget(_ id: UInt64) { loaded[id] = nil }

    /// Lets the disk tier write a state.
    ///
    /// Without a disk tier, the state is refused.
    func write(_ stored: StoredState) -> DiskTier.Acceptance { disk?.write(stored) ?? .refused }

    /// Whether the file of an entry is being read.
    func isReading(_ id: UInt64) -> Bool { disk?.reading.contains(id) ?? false }

    /// Records that a sequence continues a hit, and forgets its bytes if only the file is to remain.
    func recordUse(_ hit: Hit, reusing count: Int) {
        switch hit.tier {
        case .ram: reused.ram += UInt64(count)
        case .disk:
            reused.disk += UInt64(count)
            // The next turn finds the state in memory.
            if let stored = loaded.removeValue(forKey: hit.id) { insert(stored, into: (ram: true, disk: false)) }
        case .kvCache: break
        }
    }

    /// Counts a request that searched the cache.
    func recordLookup(isHit: Bool) {
        if isHit { lookups.hits += 1 } else { lookups.misses += 1 }
    }

    // MARK: Pinned prefixes

    /// The fastest tier that holds all items of a pinned prefix; `nil` if none does.
    ///
    /// - Complexity: constant while no tier changes; otherwise as a lookup.
    func holder(of prefix: PinnedPrefixID, _ items: [Int32], key: PrefixKey) -> CacheTier? {
        let revision = (ram.revision, disk?.index.revision ?? 0)
        if holderRevision != revision { (holders, holderRevision) = ([:], revision) }
        if let known = holders[prefix] { return known }
        let isOnDisk = disk?.index.entry(serving: items[...], key: key, isPinned: false) != nil
        let holder: CacheTier? =
            ram.entry(serving: items[...], key: key, isPinned: false) != nil ? .ram : isOnDisk ? .disk : nil
        holders[prefix] = .some(holder)
        return holder
    }

    /// Lets the entries with exactly these items be evicted like others.
    func unpin(_ items: ArraySlice<Int32>, key: PrefixKey) {
        ram.unpin(items, key: key)
        disk?.unpin(items, key: key)
    }

    // MARK: Offers

    /// Whether the RAM tier takes an entry without dropping another prefix.
    ///
    /// - Parameter byteCount: the size of the entry's state.
    func hasRoom(for byteCount: Int, of entry: KVEntry) -> Bool {
        let checkpoints = entry.checkpoints.reduce(0) { $0 + $1.bytes.count }
        let items = entry.count * MemoryLayout<Int32>.size
        return byteCount + checkpoints + items <= ram.limit - ram.byteCount - reservedByteCount
    }

    /// The tiers that want a prefix.
    func wants(_ items: ArraySlice<Int32>, key: PrefixKey, isPinned: Bool) -> (ram: Bool, disk: Bool) {
        guard items.count >= Self.minimumCount else { return (false, false) }
        let ramEntry = ram.entry(serving: items, key: key, isPinned: isPinned)
        if let ramEntry { ram.touch(ramEntry) }
        return (
            ram: ram.limit > 0 && ramEntry == nil,
            disk: disk.map { $0.acceptsWrites && !$0.contains(items, key: key, isPinned: isPinned) } ?? false
        )
    }

    /// Adds a state to the tiers that want it. The bytes are shared, not copied.
    func insert(_ stored: StoredState, into tiers: (ram: Bool, disk: Bool)) {
        if tiers.ram, case .inserted(_, _, let evicted) = ram.insert(TierIndex.Entry(stored)) {
            evictions += UInt64(evicted)
            shrink(to: ram.limit - reservedByteCount)
        }
        if tiers.disk { _ = write(stored) }
    }

    /// Leaves `byteCount` bytes of the RAM tier's limit to other states.
    func reserve(_ byteCount: Int) {
        reservedByteCount = byteCount
        shrink(to: ram.limit - byteCount)
    }

    /// Removes entries of the RAM tier until it has at most `limit` bytes.
    func shrink(to limit: Int) {
        while ram.byteCount > limit, ram.removeOldest() != nil { evictions += 1 }
    }

    // MARK: Reports of the disk tier

    /// Applies a report of the disk tier's threads. A state that was read waits for the prompt that needs it.
    func apply(_ report: DiskTier.Report) {
        guard let stored = disk?.apply(report), case .read(let id, _, _) = report else { return }
        loaded[id] = stored
    }

    /// The size and the counters of each tier.
    func status() -> [CacheTierStatus] {
        var tiers: [CacheTierStatus] = []
        if ram.limit > 0 {
            var status = CacheTierStatus(.ram)
            (status.entries, status.byteCount) = (ram.count, UInt64(ram.byteCount))
            status.tokens = ram.itemCount
            status.byteLimit = ram.limit == .max ? nil : UInt64(ram.limit)
            (status.reusedTokens, status.evictions) = (reused.ram, evictions)
            tiers.append(status)
        }
        if let disk {
            var status = CacheTierStatus(.disk)
            (status.entries, status.byteCount) = (disk.index.count, UInt64(disk.index.byteCount))
            status.tokens = disk.index.itemCount
            status.byteLimit = UInt64(disk.index.limit)
            (status.reusedTokens, status.evictions) = (reused.disk, disk.evictionCount)
            status.damaged = disk.droppedCount
            tiers.append(status)
        }
        return tiers
    }

    /// Writes what the disk tier has queued.
    func shutdown() { disk?.shutdown() }
}

extension PrefixTiers.Hit {
    fileprivate init<Payload>(_ hit: TierIndex<Payload>.Hit, _ tier: CacheTier) {
        self.init(
            tier: tier, id: hit.id, length: hit.length, stateCount: hit.stateCount,
            usesCheckpoint: hit.usesCheckpoint)
    }
}
