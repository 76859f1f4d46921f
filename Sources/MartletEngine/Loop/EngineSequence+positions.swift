import Llama
import MartletProtocol

/// Places within an answer, and what stands there.
extension EngineSequence {
    /// What a token adds to the answer.
    func text(of token: Int32, in vocabulary: Vocabulary) -> ArraySlice<UInt8> {
        let attributes = vocabulary.attributes(token)
        if attributes.contains(.endOfGeneration) { return [] }
        let isVisible = attributes.isDisjoint(with: .hidden) || request.visibleControlTokens.contains(token)
        return isVisible ? vocabulary.piece(token) : []
    }

    /// Whether the logits behind each of its prompt's tokens are needed: an earlier run that wrote has told them.
    var needsPromptLogprobs: Bool {
        promptLogprobs?.next != nil && predictedCount == 0 && request.continuation.isEmpty
            && settings.probabilities != nil
    }

    /// Whether it had a slot, in this run or an earlier one.
    var hasBegun: Bool { started != nil || !request.continuation.isEmpty }

    /// Whether tokens of an earlier run are still to be sampled again.
    var isReplaying: Bool { !replay.isEmpty }

    /// Tokens that readers have, those that are still to be sampled again included.
    var knownCount: Int { predictedCount + replay.count }

    /// Whether an order waits for tokens that are still to be sampled again.
    var mustReplay: Bool { isReplaying && !pendingCommands.waiting.isEmpty }

    /// Whether it is paused and draws nothing, so that others may have its slot.
    var isResting: Bool { isPaused && !mustReplay }

    /// Where the answer is cut when it is to have `count` tokens: not within an injected turn.
    func cutPoint(for count: Int) -> Int {
        record.injections.first { $0.isHidden && $0.tokens.contains(count) }?.tokens.lowerBound ?? count
    }

    /// Where a grammar begins that holds from the next token on: a marker of thinking that has begun belongs to it.
    func newConstraintStart(in vocabulary: Vocabulary) -> Int {
        var start = predictedCount
        var missing = reasoning?.matchedEndByteCount ?? 0
        while missing > 0, start > 0 {
            start -= 1
            missing -= text(of: record.token(start), in: vocabulary).count
        }
        return start
    }
}
