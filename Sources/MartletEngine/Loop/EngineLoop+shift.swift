import Llama
import MartletProtocol

extension EngineLoop {
    /// Drops tokens of a full sequence, so that its generation goes on.
    func shift(_ index: Int) {
        guard let generation = slots[index].generation else { return }
        guard canShift, let dropped = generation.dropTokens(contextLength: sequenceLimit) else {
            finish(index, .contextFull)
            return
        }
        // Everything but the token just drawn is in memory; where it cannot be moved, the rest is computed again.
        if context.shift(index, removing: dropped) {
            slots[index].memoryCount -= dropped.count
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
            for demand in demands {
                fail(demand.sequence, EngineError(.generationFailed, error.message))
            }
            demands = []
        }
    }
}
