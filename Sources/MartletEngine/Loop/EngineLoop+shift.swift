import Llama
import MartletProtocol

extension EngineLoop {
    /// Drops tokens of a full slot, so that its sequence goes on.
    func shift(_ index: Int) {
        guard let sequence = slots[index].sequence else { return }
        guard canShift, let dropped = sequence.dropTokens(contextLength: sequenceLimit) else {
            finish(index, .contextFull)
            return
        }
        // Everything but the token just sampled is in memory; where it cannot be moved, the rest is computed again.
        if context.shift(index, removing: dropped) {
            slots[index].cachedTokenCount -= dropped.count
        } else {
            clear(index)
        }
    }

    /// Applies a set of adapters from the next decode on.
    func apply(_ adapters: [AdapterScale]) {
        guard adapters != appliedAdapters else { return }
        do throws(LlamaError) {
            try context.apply(adapters.map { (loaded.adapters[$0.index], $0.scale) })
            appliedAdapters = adapters
        } catch {
            for pending in pendingTokens {
                fail(pending.slot, EngineError(.generationFailed, error.message))
            }
            pendingTokens = []
        }
    }
}
