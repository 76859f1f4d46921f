import Llama
import MartletProtocol

/// Paused sequences give up their slots to other sequences, and continue later with the same results.
extension EngineLoop {
    /// Swaps out the sequence that has been paused for longest.
    ///
    /// - Parameter excluded: a slot that is not considered.
    /// - Returns: whether there was a paused sequence in a slot.
    func swapOutOne(except excluded: Int? = nil) -> Bool {
        let paused = slots.filter { $0.index != excluded && $0.sequence?.isResting ?? false }
        guard let slot = paused.min(by: { $0.lastUsed < $1.lastUsed }) else { return false }
        swapOut(slot.index)
        return true
    }

    /// Swaps out the paused sequence of a slot, and saves its KV state if the cache has room. The slot's KV cache can
    /// still be reused by other prompts.
    func swapOut(_ index: Int) {
        guard let sequence = release(index) else { return }
        if sequence.isTruncated {
            clear(index)
        } else {
            saveState(sequence, index)
            slots[index].tokens = Array(sequence.history[..<slots[index].cachedTokenCount])
        }
        swappedOut.append(sequence)
    }

    private func saveState(_ sequence: EngineSequence, _ index: Int) {
        let tokenCount = slots[index].cachedTokenCount
        guard tokenCount > 0, context.canSaveStates else { return }
        let size = context.stateByteCount(of: index)
        // The copy must leave enough memory, so that the system does not end the process.
        guard size <= (MemoryBudget.available ?? .max) / 2, stateCache.makeRoom(for: size) else { return }
        var bytes: [UInt8] = []
        // A state that cannot be saved is computed again.
        guard (try? context.save(index, into: &bytes)) != nil else { return }
        stateCache.insert(.init(bytes: bytes, tokenCount: tokenCount), for: sequence.handle)
    }

    /// Restores the saved KV state of a sequence to an empty slot.
    ///
    /// - Returns: whether it was restored. Otherwise the slot is empty, and all tokens are computed again.
    func swapIn(_ sequence: EngineSequence, _ index: Int) -> Bool {
        guard let state = stateCache.remove(sequence.handle), context.canSaveStates else { return false }
        while let action = PoolPolicy.makeRoom(for: state.tokenCount, capacity: capacity, holders: holders) {
            guard case .clear = action else { return false }
            perform(action)
        }
        do throws(LlamaError) {
            try context.restore(index, from: state.bytes)
        } catch {
            clear(index)
            return false
        }
        slots[index].cachedTokenCount = state.tokenCount
        cut(index, to: state.usableCount)
        return slots[index].cachedTokenCount > 0
    }
}
