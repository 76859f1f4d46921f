import Llama
import MartletProtocol

/// Paused generations make room for others, and come back as they were.
extension EngineLoop {
    /// Takes the sequence of the generation that has been paused for longest.
    ///
    /// - Parameter kept: a sequence that is not to be taken.
    /// - Returns: whether there was one.
    func parkOne(but kept: Int? = nil) -> Bool {
        let paused = slots.filter { $0.index != kept && $0.generation?.isResting ?? false }
        guard let slot = paused.min(by: { $0.lastUsed < $1.lastUsed }) else { return false }
        park(slot.index)
        return true
    }

    /// Takes a paused generation's sequence, whose memory goes to the shelf if it has room. What the sequence holds may
    /// still serve others.
    func park(_ index: Int) {
        guard let generation = release(index) else { return }
        if generation.isTruncated {
            clear(index)
        } else {
            shelve(generation, index)
            slots[index].tokens = Array(generation.history[..<slots[index].memoryCount])
        }
        parked.append(generation)
    }

    private func shelve(_ generation: Generation, _ index: Int) {
        let tokenCount = slots[index].memoryCount
        guard tokenCount > 0, context.hasWholeStates else { return }
        let size = context.stateByteCount(of: index)
        // What is left must not make the system end the process.
        guard size <= (MemoryBudget.available ?? .max) / 2, shelf.makeRoom(for: size) else { return }
        var bytes: [UInt8] = []
        // What cannot be saved is computed again.
        guard (try? context.save(index, into: &bytes)) != nil else { return }
        shelf.put(.init(bytes: bytes, tokenCount: tokenCount), for: generation.handle)
    }

    /// Gives an empty sequence what its generation had in memory when it was parked.
    ///
    /// - Returns: whether it has it. If not, nothing is in memory, and all is computed again.
    func unshelve(_ generation: Generation, _ index: Int) -> Bool {
        guard let state = shelf.remove(generation.handle), context.hasWholeStates else { return false }
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
        slots[index].memoryCount = state.tokenCount
        cut(index, to: state.usableCount)
        return slots[index].memoryCount > 0
    }
}
