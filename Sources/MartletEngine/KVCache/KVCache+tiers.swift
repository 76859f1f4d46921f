import Llama
import MartletProtocol
import MartletStateFiles

/// Checkpoints of entries, and the exchange of states with the tiers.
extension KVCache {
    /// The first position that has cells in all layers.
    private func firstPosition(of id: KVEntryID) -> Int {
        guard case .slidingWindow = kind else { return 0 }
        return context.positions(of: id.rawValue)?.lowerBound ?? 0
    }

    /// Makes a checkpoint of an entry at its present count.
    ///
    /// - Parameter prompt: the number of the prompt that is computed.
    func addCheckpoint(to id: KVEntryID, prompt: UInt64) {
        guard !kind.canCutAnywhere, self[id].count > 0, context.canSaveStates else { return }
        let size = context.stateByteCount(of: id.rawValue, .uncuttable)
        // Many checkpoints exist at a time, so each one may use a small part of the free memory only.
        guard size <= freeMemory.available(for: size) / 8 else { return }
        freeMemory.subtract(size)
        guard let bytes = try? context.save(id.rawValue, .uncuttable, byteCount: size) else { return }
        copies.add(size)
        insert(KVCheckpoint(itemCount: self[id].count, bytes: bytes, prompt: prompt), into: id)
    }

    // MARK: Tiers

    /// Offers a retained entry to the tiers, before its items are removed.
    func offer(_ id: KVEntryID) {
        guard let wanted = wishes(for: id), wanted.ram || wanted.disk, let stored = storedState(of: id) else { return }
        tiers.insert(stored, into: wanted)
    }

    /// The largest state that an idle engine copies in advance, in bytes: a copy of less than a millisecond.
    private static let advanceByteLimit = 8 << 20

    /// Copies the state of a retained entry into the RAM tier before the entry is evicted, so that the prompt that evicts it
    /// does not wait for the copy. Large states are copied when they are evicted: their prompts take far longer.
    func copyInAdvance(_ id: KVEntryID) {
        guard let wanted = wishes(for: id), wanted.ram, context.canSaveStates else { return }
        let size = context.stateByteCount(of: id.rawValue)
        guard size <= Self.advanceByteLimit, let stored = storedState(of: id, byteCount: size) else { return }
        tiers.insert(stored, into: (ram: true, disk: false))
    }

    /// Moves a retained entry to the RAM tier, unless it could not stay there: the tier has no room, memory is short, or the
    /// disk tier has to write it and cannot now. The entry stays then, and is not considered again for a while.
    ///
    /// - Parameter byteLimit: the size from which on a state is not copied now.
    func moveToRAM(_ id: KVEntryID, byteLimit: Int) {
        guard let wanted = wishes(for: id), !awaitsDisk(id),
            !(wanted.ram || wanted.disk) || copy(id, into: wanted, byteLimit: byteLimit)
        else { return postponeMove(of: id) }
        clear(id)
    }

    /// Whether the disk tier lacks an entry and accepts no write at present.
    private func awaitsDisk(_ id: KVEntryID) -> Bool {
        let entry = self[id]
        guard let disk = tiers.disk, !disk.acceptsWrites, entry.refusedCount != entry.count else { return false }
        return !disk.contains(items(of: id)[...], key: entry.key, isPinned: entry.isPinned)
    }

    /// Copies the state of a retained entry into the tiers that want it, if the RAM tier needs to drop no other prefix.
    ///
    /// - Returns: whether all of them have it.
    private func copy(_ id: KVEntryID, into wanted: (ram: Bool, disk: Bool), byteLimit: Int) -> Bool {
        guard context.canSaveStates else { return false }
        let size = context.stateByteCount(of: id.rawValue)
        guard size < byteLimit, size <= freeMemory.available(for: size) / 2,
            !wanted.ram || tiers.hasRoom(for: size, of: self[id]), let stored = storedState(of: id, byteCount: size)
        else { return false }
        if wanted.disk, tiers.write(stored) == .busy { return false }
        tiers.insert(stored, into: (ram: wanted.ram, disk: false))
        return wishes(for: id)?.ram == false
    }

    /// The tiers that want a retained entry; `nil` if it may not leave the KV cache.
    private func wishes(for id: KVEntryID) -> (ram: Bool, disk: Bool)? {
        let entry = self[id]
        // Moved items are approximations: a tier would pass them to requests that do not allow them.
        guard tiers.isActive, entry.use == .retained, entry.count >= PrefixTiers.minimumCount, !entry.key.isShifted
        else { return nil }
        let items = items(of: id)
        guard items.count == entry.count else { return nil }
        return tiers.wants(items[...], key: entry.key, isPinned: entry.isPinned)
    }

    /// Whether a tier wants a retained entry.
    func isWanted(_ id: KVEntryID) -> Bool { wishes(for: id).map { $0.ram || $0.disk } ?? false }

    /// Retained entries that the disk tier wants. A write that the disk tier refuses is repeated later.
    var unwrittenEntries: [KVEntryID] {
        guard let disk = tiers.disk, disk.acceptsWrites else { return [] }
        return entries.filter { $0.refusedCount != $0.count && wishes(for: $0.id)?.disk ?? false }.map(\.id)
    }

    /// Copies the state of a retained entry for a tier or a file; `nil` if it cannot be saved now.
    ///
    /// - Parameter byteCount: the size of the state, if the caller has asked libllama for it.
    func storedState(of id: KVEntryID, byteCount: Int? = nil) -> StoredState? {
        guard self[id].count > 0, context.canSaveStates else { return nil }
        let size = byteCount ?? context.stateByteCount(of: id.rawValue)
        if size > freeMemory.available(for: size) / 2 { tiers.shrink(to: tiers.ram.byteCount - size) }
        guard let state = save(id, byteCount: size) else { return nil }
        let entry = self[id]
        return StoredState(
            key: StoredState.Key(entry.key), items: items(of: id), firstPosition: firstPosition(of: id),
            isPinned: entry.isPinned, state: state,
            checkpoints: entry.checkpoints.map { .init(itemCount: $0.itemCount, bytes: $0.bytes) })
    }

    /// Replaces an entry by a state of a tier or a file.
    ///
    /// - Returns: whether it was restored; if not, the entry is empty.
    func restore(_ id: KVEntryID, from stored: StoredState) -> Bool {
        guard restore(id, from: stored.state, count: stored.items.count) else { return false }
        for checkpoint in stored.checkpoints {
            insert(KVCheckpoint(itemCount: checkpoint.itemCount, bytes: checkpoint.bytes), into: id)
        }
        return true
    }
}
