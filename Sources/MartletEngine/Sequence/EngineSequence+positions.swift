import Llama
import MartletProtocol

/// Token positions within the output of a sequence.
extension EngineSequence {
    /// The text of a token in the output; empty for control tokens that are not visible.
    func text(of token: Int32, in vocabulary: Vocabulary) -> ArraySlice<UInt8> {
        let attributes = vocabulary.attributes(token)
        if attributes.contains(.endOfGeneration) { return [] }
        let isVisible = attributes.isDisjoint(with: .hidden) || prepared.visibleControlTokens.contains(token)
        return isVisible ? vocabulary.piece(token) : []
    }

    /// Whether the logits behind each prompt token are needed. A continued generation has emitted its prompt logprobs
    /// in an earlier run.
    var needsPromptLogprobs: Bool {
        promptLogprobs?.next != nil && predictedCount == 0 && request.continuation.isEmpty
            && settings.probabilities != nil
    }

    /// The key under which its prefix may be reused.
    var prefixKey: PrefixKey {
        PrefixKey(scope: request.tenant.cacheScope, adapters: request.adapters, isShifted: reuse.isShifted)
    }

    /// The key of exact items that the sequence may reuse. A sequence that allows moved items also reads `shiftedKey`.
    var exactKey: PrefixKey { PrefixKey(scope: request.tenant.cacheScope, adapters: request.adapters) }

    /// The key of moved items that the sequence may reuse; `nil` if the request does not allow them.
    var shiftedKey: PrefixKey? {
        guard request.parameters.cache.shiftLength > 0 else { return nil }
        return PrefixKey(scope: request.tenant.cacheScope, adapters: request.adapters, isShifted: true)
    }

    /// The items that other prompts may reuse; empty after a context shift, because the cached values then depend on
    /// dropped items.
    var sharableItems: [Int32] { isTruncated ? [] : history }

    /// Whether the limit of generated tokens is reached.
    var isAtTokenLimit: Bool { settings.maximumTokens.map { predictedCount >= $0 } ?? false }

    /// Whether the sequence has had a slot, in this run or in an earlier one.
    var hasBegun: Bool { started != nil || !request.continuation.isEmpty }

    /// Whether tokens of an earlier run are still to be sampled again.
    var isReplaying: Bool { !replay.isEmpty }

    /// The number of tokens that readers have received, including tokens that are still to be sampled again.
    var knownCount: Int { predictedCount + replay.count }

    /// Whether a deferred command waits for tokens that are still to be sampled again.
    var mustReplay: Bool { isReplaying && !pendingCommands.waiting.isEmpty }

    /// Whether the sequence is paused and samples nothing, so that its slot may be used by others.
    var isResting: Bool { isPaused && !mustReplay }

    /// The token count to which the output is cut when `count` is wanted. An injected turn is cut as a whole.
    func cutPoint(for count: Int) -> Int {
        record.injections.first { $0.opensTurn && $0.range.contains(count) }?.range.lowerBound ?? count
    }

    /// The token index from which a grammar applies that is set now. A reasoning delimiter that has begun is part of
    /// the grammar's text.
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
