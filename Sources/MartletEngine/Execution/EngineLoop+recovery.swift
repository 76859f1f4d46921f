import Llama
import MartletProtocol

extension EngineLoop {
    var holders: [PoolPolicy.Holder] {
        slots.map { slot in
            let running = slot.sequence.flatMap { $0.isResting ? nil : $0 }
            return .init(
                index: slot.index, tokens: slot.ownTokenCount, time: running?.arrival ?? slot.lastUsed,
                isRunning: running != nil)
        }
    }

    func perform(_ action: PoolPolicy.Action) {
        switch action {
        case .clear(let index):
            if slots[index].sequence != nil { swapOut(index) }
            clear(index)
        case .preempt(let index): preempt(index)
        case .fail(let index):
            if slots[index].sequence?.predictedCount ?? 0 > 0 {
                finish(index, .contextFull)
            } else {
                fail(index, EngineError(.generationFailed, "The context has no room for this prompt."))
            }
        }
    }

    /// Restores the KV cache after a decode that did not complete, so that the next plan can compute the same tokens
    /// again.
    func recover(from decodeResult: Context.DecodeResult) {
        switch decodeResult {
        case .done: return
        case .noRoom:
            // Nothing was changed, but libllama found less room than the engine counted. Evict one sequence and plan
            // again.
            if let action = PoolPolicy.evictOne(holders) { perform(action) }
        case .aborted:
            rollBack()
        case .failed(let code):
            rollBack()
            if parts.count > 1 {
                suspects = Set(parts.map(\.slot))
            } else if let part = parts.first {
                fail(part.slot, EngineError(.generationFailed, "The model could not be computed (code \(code))."))
            }
        }
    }

    /// Removes the tokens of the batch from the KV cache.
    private func rollBack() {
        for part in parts {
            // Some of these tokens may have been computed. With the count raised first, `cut` removes all of them.
            slots[part.slot].cachedTokenCount = part.start + part.count
            if hasRecurrentState { clear(part.slot) } else { cut(part.slot, to: part.start) }
        }
    }
}
