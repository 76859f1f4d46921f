import Llama
import MartletProtocol

/// Prompts that reuse cached items at other positions (`ShiftedReuse`), if their requests allow it.
extension EngineCore {
    /// An entry and the items of it that a prompt reuses.
    struct ShiftPlan {
        var entry: Int
        var reuse: ShiftedReuse
    }

    /// Whether the positions of cached items can be moved, and the rest of the entry is then still valid.
    var canMoveItems: Bool { canShift && kvCache.kind == .attention }

    /// The idle entry of which a waiting sequence reuses the most items, if moving some of them is worth it.
    ///
    /// - Parameter reusable: the items that are reused without moving any.
    /// - Returns: `nil` if the request or the memory does not allow it, or no entry has a run that is long enough.
    /// - Complexity: linear in the cached items of the scope, except where runs almost match.
    func shiftedReuse(for sequence: EngineSequence, beyond reusable: Int) -> ShiftPlan? {
        let minimum = sequence.request.parameters.cache.shiftLength
        guard minimum > 0, canMoveItems, sequence.request.parameters.reusesPrompt, !sequence.needsPromptLogprobs,
            !sequence.hasBegun, kvCache.savedStates.tokenCount(of: sequence.handle) == 0,
            sequence.history.allSatisfy({ $0 >= 0 })
        else { return nil }
        let prompt = sequence.history
        var best: ShiftPlan?
        for entry in kvCache.entries where entry.slot == nil && !entry.isPinned && entry.count > 0 {
            guard entry.key == sequence.exactKey || entry.key == sequence.shiftedKey else { continue }
            let cached = kvCache.items(of: entry.id)
            guard cached.count == entry.count else { continue }
            let common = min(PrefixTree.commonPrefix(cached[...], prompt[...]), prompt.count - 1)
            let found = ShiftedReuse(
                cached: cached, prompt: prompt, common: common, minimum: minimum, limit: prompt.count - 1)
            guard let found, found.count >= reusable + minimum, found.count > best?.reuse.count ?? 0,
                let first = found.removals.first, kvCache.canShift(entry.id, from: first.upperBound)
            else { continue }
            best = ShiftPlan(entry: entry.id.rawValue, reuse: found)
        }
        return best
    }

    /// Lets a sequence run in a slot on an entry whose items are moved for it.
    func assign(_ sequence: EngineSequence, to slot: Int, shifting plan: ShiftPlan) {
        let entry = KVEntryID(rawValue: plan.entry)
        sequence.awaited = nil
        sequence.reuse.tier = nil
        kvCache.shift(entry, to: plan.reuse)
        if kvCache[entry].count > 0 {
            sequence.reuse.isShifted = true
            sequence.reuse.movedCount = plan.reuse.movedCount
        }
        place(sequence, in: slot, entry)
        apply(.own(count: kvCache[entry].count), to: sequence, entry)
    }

    /// Lets a sequence that reuses moved items count as one with moved items.
    ///
    /// - Returns: whether its key has changed.
    @discardableResult
    func followKey(of plan: ReusePolicy.Plan, _ sequence: EngineSequence) -> Bool {
        let source =
            switch plan.reuse {
            case .own(let count): count > 0 ? plan.entry : nil
            case .copy(let source, _), .wait(let source, _): source
            }
        guard !sequence.reuse.isShifted, let source, kvCache.entries[source].key.isShifted else { return false }
        sequence.reuse.isShifted = true
        return true
    }
}
