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

    /// Puts the memory in order after a decode that was not completed, so that the next plan can try again.
    func recover(from decodeResult: Context.DecodeResult) {
        switch decodeResult {
        case .done: return
        case .noRoom:
            // Nothing was changed, but libllama counts differently: take from one, and plan again.
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

    /// Takes everything that the batch added out of memory again.
    private func rollBack() {
        for part in parts {
            // Some of it may be in memory, so the count alone does not say what is there.
            slots[part.slot].cachedTokenCount = part.start + part.count
            if hasRecurrentState { clear(part.slot) } else { cut(part.slot, to: part.start) }
        }
    }
}
