import Llama
import MartletProtocol

/// Paused generations make room for others, and come back as they were.
extension EngineLoop {
    /// Takes the slot of the sequence that has been paused for longest.
    ///
    /// - Parameter excluded: a slot that is not to be taken.
    /// - Returns: whether there was one.
    func swapOutOne(except excluded: Int? = nil) -> Bool {
        let paused = slots.filter { $0.index != excluded && $0.sequence?.isResting ?? false }
        guard let slot = paused.min(by: { $0.lastUsed < $1.lastUsed }) else { return false }
        swapOut(slot.index)
        return true
    }

    /// Takes a paused sequence's slot, whose KV cache goes to the KV state cache if it has room. What the slot holds
    /// may still serve others.
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
        // What is left must not make the system end the process.
        guard size <= (MemoryBudget.available ?? .max) / 2, stateCache.makeRoom(for: size) else { return }
        var bytes: [UInt8] = []
        // What cannot be saved is computed again.
        guard (try? context.save(index, into: &bytes)) != nil else { return }
        stateCache.insert(.init(bytes: bytes, tokenCount: tokenCount), for: sequence.handle)
    }

    /// Gives an empty slot what its sequence had in memory when it was swapped out.
    ///
    /// - Returns: whether it has it. If not, nothing is in memory, and all is computed again.
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
