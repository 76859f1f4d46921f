import Llama
import MartletProtocol

/// The KV cache of a model: the only owner of libllama's sequence ids, and the only caller of its memory functions.
///
/// An *entry* is what libllama stores under one sequence id. A sequence runs on one entry; the entries of ended
/// sequences are retained for prompts that begin alike. The `tree` has the items of all entries, and of running
/// sequences also the items that are still to be computed.
///
/// Invariants: the cells of an entry are its first `count` items, position by position. The tree has at least these
/// items, or none of the entry: no prompt reuses it then.
///
/// Thread: the engine thread only.
final class KVCache {
    var context: Context
    let kind: MemoryKind
    /// Whether all entries share the cells of the context, so that a copy costs nothing.
    let isUnified: Bool
    /// The number of items that fit; practically unlimited where each entry has cells of its own.
    let capacity: Int
    /// The entries; the index is the sequence id of libllama.
    private(set) var entries: [KVEntry]
    private(set) var tree = PrefixTree()
    private(set) var ledger: CellLedger
    /// The saved states of sequences that were swapped out. They and the RAM tier have one limit together.
    var savedStates: KVStateCache {
        didSet { tiers.reserve(savedStates.byteCount) }
    }
    /// The tiers that retained entries are offered to before they are removed.
    let tiers: PrefixTiers
    let checkpointPolicy: CheckpointPolicy
    /// The number of tokens that decodes have computed.
    var computedCount = 0
    /// The number of checkpoints that were restored.
    private(set) var checkpointRestores: UInt64 = 0
    var freeMemory = FreeMemory()
    /// The copies of states between libllama and ordinary memory so far.
    var copies = StateCopies()

    /// - Parameters:
    ///   - isUnified: whether all entries share the cells of the context.
    ///   - savedByteCount: the limit of `savedStates`, in bytes.
    init(
        context: consuming Context, kind: MemoryKind, isUnified: Bool, savedByteCount: Int, tiers: PrefixTiers,
        checkpointPolicy: CheckpointPolicy = CheckpointPolicy()
    ) {
        self.tiers = tiers
        self.checkpointPolicy = checkpointPolicy
        capacity = isUnified ? context.contextLength : .max / 2
        self.isUnified = isUnified
        self.kind = kind
        entries = (0..<context.sequenceCount).map { KVEntry(id: KVEntryID(rawValue: $0)) }
        ledger = CellLedger(entryCount: context.sequenceCount)
        savedStates = KVStateCache(limit: savedByteCount)
        self.context = context
    }

    subscript(id: KVEntryID) -> KVEntry { entries[id.rawValue] }

    /// The number of cells in use; cells that entries share count once.
    var usedCount: Int { ledger.usedCount }

    /// The items of an entry: computed ones, and of a running sequence all that the tree has.
    func items(of id: KVEntryID) -> [Int32] { tree.items(of: id.rawValue) }

    // MARK: Holders

    /// Lets the sequence in `slot` run on an entry, whose computed items stay.
    ///
    /// - Parameter items: the sequence's history; empty = no prompt may reuse it.
    func claim(_ id: KVEntryID, slot: Int, key: PrefixKey, items: [Int32], at step: UInt64) {
        entries[id.rawValue].use = .running(slot: slot)
        entries[id.rawValue].key = key
        use(id, at: step)
        entries[id.rawValue].isPinned = false
        tree.insert(items[...], key: key, entry: id.rawValue)
    }

    /// Adds the items to the tree that a running sequence has got since it was claimed.
    func synchronize(_ id: KVEntryID, with history: [Int32]) {
        let known = tree.count(of: id.rawValue)
        if known > 0, known < history.count { tree.extend(id.rawValue, by: history[known...]) }
    }

    /// Removes the items of a running sequence from index `count` on from the tree: they are about to change.
    func forgetItems(of id: KVEntryID, from count: Int) {
        if tree.count(of: id.rawValue) > count { tree.cut(id.rawValue, to: count) }
    }

    /// Retains an entry on which no sequence runs any more, with its computed items.
    ///
    /// - Parameter history: the items of the sequence that ran on it; `nil` = no prompt may reuse it, and it is cleared.
    func retain(_ id: KVEntryID, history: [Int32]?, isPinned: Bool = false, at step: UInt64) {
        entries[id.rawValue].use = .retained
        entries[id.rawValue].usesCheckpoint = false
        use(id, at: step)
        guard let history, tree.count(of: id.rawValue) > 0 else { return clear(id) }
        synchronize(id, with: history)
        entries[id.rawValue].isPinned = isPinned
        tree.cut(id.rawValue, to: self[id].count)
    }

    /// Names the pinned prefix that a retained entry holds.
    func label(_ id: KVEntryID, _ prefix: PinnedPrefixID?) { entries[id.rawValue].prefix = prefix }

    /// Lets the entries of a prefix be evicted like others.
    func unpin(_ prefix: PinnedPrefixID) {
        for index in entries.indices where entries[index].prefix == prefix {
            entries[index].isPinned = false
            entries[index].prefix = nil
        }
    }

    private func use(_ id: KVEntryID, at step: UInt64) {
        entries[id.rawValue].lastUsed = step
        entries[id.rawValue].idleSince = computedCount
    }

    /// Records that an entry was the source of a copy, so that it is evicted later.
    func touch(_ id: KVEntryID, at step: UInt64) { use(id, at: step) }

    /// Records that a decode has computed the first `count` items of an entry.
    ///
    /// - Parameter exactLimit: the number of items at the beginning that belong to whole chunks of the prompt.
    func advance(_ id: KVEntryID, to count: Int, exactLimit: Int = 0, at step: UInt64) {
        if self[id].exactCount == self[id].count {
            entries[id.rawValue].exactCount = min(count, max(self[id].count, exactLimit))
        }
        ledger.append(count - self[id].count, to: id.rawValue)
        entries[id.rawValue].count = count
        use(id, at: step)
    }

    // MARK: Cells

    /// Replaces the cells of `target` by the first `count` items of `source`: shared cells in a unified KV cache, and a
    /// copy otherwise.
    func copy(_ source: KVEntryID, to target: KVEntryID, count: Int) {
        clear(target)
        let available = self[source].count
        if isUnified {
            context.copySequence(from: source.rawValue, to: target.rawValue)
            ledger.share(source.rawValue, with: target.rawValue)
        } else if let bytes = save(source) {
            // libllama would copy the whole stream, used or not, and postpone that until the next decode.
            guard restore(target, from: bytes, count: available) else { return }
        } else {
            context.copySequence(from: source.rawValue, to: target.rawValue)
        }
        entries[target.rawValue].count = available
        entries[target.rawValue].exactCount = self[source].exactCount
        entries[target.rawValue].checkpoints = self[source].checkpoints
        cut(target, to: count)
    }

    /// Cuts an entry to its first `count` items. Where the memory cannot go back there, the last checkpoint before it is
    /// restored, or the entry is cleared. Other entries are not changed.
    func cut(_ id: KVEntryID, to count: Int) {
        guard count < self[id].count else { return }
        if count > 0, kind != .recurrent, removeCells(id, from: count) {
            shorten(id, to: count)
        } else if !restoreCheckpoint(of: id, atMost: count) {
            clear(id)
        }
    }

    /// Goes back to the last checkpoint with at most `count` items.
    ///
    /// - Returns: whether there is one. If not, or if it cannot be restored, the items of the entry are unusable.
    private func restoreCheckpoint(of id: KVEntryID, atMost count: Int) -> Bool {
        guard let checkpoint = self[id].checkpoints.last(where: { $0.itemCount <= count }), context.canSaveStates,
            (try? context.restore(id.rawValue, .uncuttable, from: checkpoint.bytes)) != nil,
            removeCells(id, from: checkpoint.itemCount)
        else { return false }
        copies.add(checkpoint.bytes.count)
        checkpointRestores += 1
        entries[id.rawValue].usesCheckpoint = true
        shorten(id, to: checkpoint.itemCount)
        return true
    }

    /// Records that only the first `count` items of an entry are left.
    private func shorten(_ id: KVEntryID, to count: Int) {
        ledger.cut(id.rawValue, to: count)
        entries[id.rawValue].checkpoints.removeAll { $0.itemCount > count }
        entries[id.rawValue].count = count
        entries[id.rawValue].exactCount = min(self[id].exactCount, count)
        if case .retained = self[id].use { tree.cut(id.rawValue, to: count) }
    }

    /// Removes all cells behind the counted items: those that a decode may have computed before it failed, and those of
    /// refused draft tokens. Where the memory cannot go back, the entry is cleared.
    func rollBack(_ id: KVEntryID) {
        let count = self[id].count
        if kind != .recurrent, removeCells(id, from: count) { return }
        if !restoreCheckpoint(of: id, atMost: count) { clear(id) }
    }

    /// Removes all cells of an entry. A running sequence computes its items again.
    func clear(_ id: KVEntryID) {
        context.removeAll(of: id.rawValue)
        ledger.cut(id.rawValue, to: 0)
        entries[id.rawValue].count = 0
        entries[id.rawValue].exactCount = 0
        entries[id.rawValue].checkpoints = []
        entries[id.rawValue].usesCheckpoint = false
        guard case .retained = self[id].use else { return }
        entries[id.rawValue].isPinned = false
        entries[id.rawValue].prefix = nil
        tree.remove(id.rawValue)
    }

    /// Removes the items of a retained entry behind the first `count`. An entry that loses most of its items is offered
    /// to the tiers first.
    func evict(_ id: KVEntryID, to count: Int = 0) {
        guard self[id].count > count else { return }
        if count * 2 < self[id].count { offer(id) }
        cut(id, to: count)
    }

    /// Removes the items at `range` and moves later ones down. No prompt reuses the entry afterwards unless it is claimed
    /// again, because its values depend on the removed items.
    ///
    /// Where positions cannot move, the entry is cleared. That includes cells of other entries: a cell has one position.
    ///
    /// - Returns: whether the items were moved.
    @discardableResult
    func shift(_ id: KVEntryID, removing range: Range<Int>) -> Bool {
        tree.remove(id.rawValue)
        guard canShift(id, from: range.upperBound), context.shift(id.rawValue, removing: range) else {
            clear(id)
            return false
        }
        ledger.remove(range, from: id.rawValue)
        entries[id.rawValue].checkpoints = []
        entries[id.rawValue].count -= range.count
        entries[id.rawValue].exactCount = min(self[id].exactCount, range.lowerBound)
        return true
    }

    /// Whether no other entry uses the cells of an entry behind its first `count` items.
    func canShift(_ id: KVEntryID, from count: Int) -> Bool {
        self[id].count - ledger.ownCount(of: id.rawValue) <= count
    }

    /// Moves the items of a retained entry to the positions at which a prompt has them, and removes the others. An
    /// entry that loses most of its items is offered to the tiers first. If the items cannot be moved, the entry is empty.
    func shift(_ id: KVEntryID, to reuse: ShiftedReuse) {
        if reuse.count * 2 < self[id].count { offer(id) }
        for range in reuse.removals where !shift(id, removing: range) { return }
        cut(id, to: reuse.count)
    }

    private func removeCells(_ id: KVEntryID, from count: Int) -> Bool {
        if count == 0 {
            context.removeAll(of: id.rawValue)
            return true
        }
        return hasWindow(id, at: count) && context.removeTail(of: id.rawValue, from: count)
            && context.positions(of: id.rawValue)?.upperBound == count - 1
    }

    /// Whether the cells that the sliding window needs at `count` still exist. libllama does not check this.
    func hasWindow(_ id: KVEntryID, at count: Int) -> Bool {
        guard case .slidingWindow(let window) = kind, let positions = context.positions(of: id.rawValue) else {
            return true
        }
        return positions.lowerBound <= max(0, count - window)
    }

    // MARK: States

    /// Records that an entry could not move to the RAM tier.
    func postponeMove(of id: KVEntryID) { entries[id.rawValue].idleSince = computedCount }

    /// Records that the disk tier never writes the present items of an entry.
    func refuse(_ id: KVEntryID) { entries[id.rawValue].refusedCount = self[id].count }

    /// Inserts a checkpoint of an entry by the rules of the policy.
    func insert(_ checkpoint: KVCheckpoint, into id: KVEntryID) {
        checkpointPolicy.insert(checkpoint, into: &entries[id.rawValue].checkpoints)
    }

    /// Retains an entry whose items were restored from a file, or copied from another entry.
    func adopt(_ id: KVEntryID, items: [Int32], key: PrefixKey, isPinned: Bool = false, at step: UInt64) {
        entries[id.rawValue].key = key
        entries[id.rawValue].isPinned = isPinned
        use(id, at: step)
        tree.insert(items[...], key: key, entry: id.rawValue)
    }

    /// Copies the state of an entry into ordinary memory.
    ///
    /// - Parameter byteCount: the size of the state, if the caller has asked libllama for it.
    /// - Returns: `nil` if libllama cannot save it now, or the copy would take more than half of the free memory or
    ///   more than `limit` bytes.
    func save(_ id: KVEntryID, limit: Int = .max, byteCount: Int? = nil) -> [UInt8]? {
        guard self[id].count > 0, context.canSaveStates else { return nil }
        let size = byteCount ?? context.stateByteCount(of: id.rawValue)
        // The copy must leave enough memory, so that the system does not end the process.
        guard size <= limit, size <= freeMemory.available(for: size) / 2 else { return nil }
        freeMemory.subtract(size)
        // A state that cannot be saved is computed again.
        let begin = MonotonicTime.now
        let bytes = try? context.save(id.rawValue, byteCount: size)
        copies.add(size, in: .now - begin)
        return bytes
    }

    /// Replaces the state of an entry by a saved one.
    ///
    /// - Parameter count: the number of items in the state.
    /// - Returns: whether it was restored; if not, the entry is empty.
    func restore(_ id: KVEntryID, from bytes: [UInt8], count: Int) -> Bool {
        copies.add(bytes.count)
        guard context.canSaveStates, (try? context.restore(id.rawValue, from: bytes)) != nil else {
            clear(id)
            return false
        }
        ledger.cut(id.rawValue, to: 0)
        ledger.append(count, to: id.rawValue)
        entries[id.rawValue].count = count
        entries[id.rawValue].exactCount = 0
        entries[id.rawValue].checkpoints = []
        return true
    }
}
