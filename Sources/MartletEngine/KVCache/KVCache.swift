import Llama
import MartletProtocol

/// The KV cache of a model: the only owner of libllama's sequence ids, and the only caller of its memory functions.
///
/// An *entry* is what libllama stores under one sequence id. A sequence runs on one entry; the entries of ended
/// sequences are retained for prompts that begin alike. Invariant: the cells of an entry are the first `count` items of
/// its sequence's history (or of its own `items`), position by position.
///
/// Thread: the engine thread only.
final class KVCache {
    var context: Context
    let kind: MemoryKind
    /// The number of items that fit; practically unlimited where each entry has cells of its own.
    let capacity: Int
    /// The entries; the index is the sequence id of libllama.
    private(set) var entries: [KVEntry]
    /// The saved states of sequences that were swapped out.
    var savedStates: KVStateCache

    /// - Parameters:
    ///   - entryCount: the number of sequence ids of the context.
    ///   - isUnified: whether all entries share the cells of the context.
    ///   - savedByteCount: the limit of `savedStates`, in bytes.
    init(
        context: consuming Context, kind: MemoryKind, entryCount: Int, isUnified: Bool, savedByteCount: Int
    ) {
        capacity = isUnified ? context.contextLength : .max / 2
        self.kind = kind
        entries = (0..<entryCount).map { KVEntry(id: KVEntryID(rawValue: $0)) }
        savedStates = KVStateCache(limit: savedByteCount)
        self.context = context
    }

    subscript(id: KVEntryID) -> KVEntry { entries[id.rawValue] }

    /// Lets the sequence in `slot` run on an entry, whose present items stay.
    func claim(_ id: KVEntryID, slot: Int, key: PrefixKey, at step: UInt64) {
        entries[id.rawValue].use = .running(slot: slot)
        entries[id.rawValue].items = []
        entries[id.rawValue].key = key
        entries[id.rawValue].lastUsed = step
    }

    /// Retains an entry on which no sequence runs any more.
    ///
    /// - Parameter items: the computed items; empty = the entry has none that may be reused.
    func retain(_ id: KVEntryID, items: [Int32], at step: UInt64) {
        entries[id.rawValue].use = .retained
        entries[id.rawValue].items = items
        entries[id.rawValue].lastUsed = step
    }

    /// Records that a decode has computed the first `count` items of an entry.
    func advance(_ id: KVEntryID, to count: Int, at step: UInt64) {
        entries[id.rawValue].count = count
        entries[id.rawValue].lastUsed = step
    }

    /// Shares all items of `source` with `target`, whose own items are removed.
    func copy(_ source: KVEntryID, to target: KVEntryID) {
        clear(target)
        context.copySequence(from: source.rawValue, to: target.rawValue)
        entries[target.rawValue].count = self[source].count
        entries[target.rawValue].sharing = (source, self[source].count)
    }

    /// Cuts an entry to its first `count` items, or clears it if the memory cannot go back there. Other entries are not
    /// changed.
    func cut(_ id: KVEntryID, to count: Int) {
        guard count < self[id].count else { return }
        if count > 0, hasWindow(id, at: count), context.removeTail(of: id.rawValue, from: count),
            context.positions(of: id.rawValue)?.upperBound == count - 1
        {
            entries[id.rawValue].count = count
            if case .retained = self[id].use, self[id].items.count > count {
                entries[id.rawValue].items.removeLast(self[id].items.count - count)
            }
            endSharing(with: id, beyond: count)
        } else {
            clear(id)
        }
    }

    /// Removes `count` items from an entry from index `start` on where a decode did not complete: none, some or all of
    /// them may have been computed.
    func rollBack(_ id: KVEntryID, to start: Int, count: Int) {
        // With the count raised first, `cut` removes all of them.
        entries[id.rawValue].count = start + count
        if kind == .recurrent { clear(id) } else { cut(id, to: start) }
    }

    /// Removes all items of an entry.
    func clear(_ id: KVEntryID) {
        context.removeAll(of: id.rawValue)
        entries[id.rawValue].count = 0
        entries[id.rawValue].items = []
        entries[id.rawValue].sharing = nil
        endSharing(with: id, beyond: 0)
    }

    /// Removes the items at `range` and moves later ones down. Where positions cannot move, the entry is cleared.
    func shift(_ id: KVEntryID, removing range: Range<Int>) {
        if context.shift(id.rawValue, removing: range) {
            entries[id.rawValue].count -= range.count
        } else {
            clear(id)
        }
    }

    /// Copies the state of an entry into ordinary memory.
    ///
    /// - Returns: `nil` if libllama cannot save it now, or the copy would take more than half of the free memory or
    ///   more than `limit` bytes.
    func save(_ id: KVEntryID, limit: Int = .max) -> [UInt8]? {
        guard self[id].count > 0, context.canSaveStates else { return nil }
        let size = context.stateByteCount(of: id.rawValue)
        // The copy must leave enough memory, so that the system does not end the process.
        guard size <= limit, size <= (MemoryBudget.available ?? .max) / 2 else { return nil }
        var bytes: [UInt8] = []
        // A state that cannot be saved is computed again.
        return (try? context.save(id.rawValue, into: &bytes)) != nil ? bytes : nil
    }

    /// Replaces the state of an entry by a saved one.
    ///
    /// - Parameter count: the number of items in the state.
    /// - Returns: whether it was restored; if not, the entry is empty.
    func restore(_ id: KVEntryID, from bytes: [UInt8], count: Int) -> Bool {
        guard context.canSaveStates, (try? context.restore(id.rawValue, from: bytes)) != nil else {
            clear(id)
            return false
        }
        entries[id.rawValue].count = count
        return true
    }

    /// Whether the cells that the sliding window needs at `count` still exist. libllama does not check this.
    private func hasWindow(_ id: KVEntryID, at count: Int) -> Bool {
        guard case .slidingWindow(let window) = kind, let positions = context.positions(of: id.rawValue) else {
            return true
        }
        return positions.lowerBound <= max(0, count - window)
    }

    /// Updates the entries that share items with `id`, of which only the first `count` remain.
    private func endSharing(with id: KVEntryID, beyond count: Int) {
        for other in entries.indices {
            guard let sharing = entries[other].sharing, sharing.entry == id, sharing.count > count else { continue }
            entries[other].sharing = count > 0 ? (id, count) : nil
        }
    }
}
