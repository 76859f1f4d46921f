import Llama
import MartletProtocol

extension EngineLoop {
    /// Drops old tokens of a full slot, so that its sequence can continue.
    func shift(_ index: Int) {
        guard let sequence = slots[index].sequence else { return }
        guard canShift, let dropped = sequence.dropTokens(contextLength: sequenceLimit) else {
            finish(index, .contextFull)
            return
        }
        // Every token except the last sampled one is in the KV cache. Where positions cannot move, the rest is computed
        // again.
        if context.shift(index, removing: dropped) {
            slots[index].cachedTokenCount -= dropped.count
        } else {
            clear(index)
        }
    }

    /// Applies a set of adapters, from the next decode on.
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
