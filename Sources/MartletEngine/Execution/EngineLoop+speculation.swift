import Llama
import MartletProtocol

/// Speculative decoding within a step: drafts before the decode, verification behind it.
extension EngineLoop {
    /// Proposes drafts for the sequences that decode, and enters their lengths in the candidates.
    func proposeDrafts(for candidates: inout [Candidate]) {
        let running = core.scheduler.running
        guard core.scheduler.planner.shape.permitsDrafts,
            candidates.contains(where: { running[$0.slot]?.speculation != nil })
        else { return }
        let decoding = candidates.filter(\.isDecoding).compactMap { running[$0.slot] }
        core.speculator.propose(
            for: decoding, hasPrefill: candidates.contains { $0.pendingCount > 0 && !$0.isDecoding },
            rowLimit: core.scheduler.planner.shape.decodeBatchLimit, sequenceLimit: core.sequenceLimit,
            isConstrained: sampling.isConstrained)
        for index in candidates.indices where candidates[index].isDecoding {
            candidates[index].draftCount = running[candidates[index].slot]?.speculation?.draft.count ?? 0
        }
    }

    /// Removes the drafts of all candidates.
    ///
    /// - Returns: whether there was any.
    func discardDrafts(of candidates: [Candidate]) -> Bool {
        let drafting = candidates.filter { $0.draftCount > 0 }
        for candidate in drafting { core.scheduler.running[candidate.slot]?.speculation?.discard() }
        return !drafting.isEmpty
    }

    /// Restores the KV cache after a decode that did not complete. The next step computes the same items without drafts.
    func recover(from decodeResult: Context.DecodeResult) {
        let hadDrafts = parts.contains { !$0.draft.isEmpty }
        for part in parts { part.sequence.speculation?.discard() }
        // Without drafts the batch may fit, so nothing is evicted for them.
        if hadDrafts, decodeResult == .noRoom { return }
        core.recover(from: decodeResult, parts)
    }

    /// Samples behind the last item of a sequence, and behind each draft token as long as the samples are the draft.
    ///
    /// Each token takes the path of a token without a draft. The rest of the draft is dropped at the first different
    /// sample, and when anything else changes the sequence: its end, a forced or an injected token, a context shift.
    ///
    /// - Returns: the number of emitted tokens.
    func verify(_ part: BatchPart, at index: Int) -> UInt64 {
        let sequence = part.sequence
        let start = part.start + part.count
        sequence.speculation?.beginVerification(of: part.draft.count)
        var emitted: UInt64 = 0
        var accepted = 0
        var isRefused = false
        while true {
            // The items before this row are computed and belong to the history, whatever the token does to the sequence.
            core.kvCache.advance(part.entry, to: start + accepted, at: core.stepNumber)
            if sampleToken(of: sequence, at: index + accepted) { emitted += 1 }
            guard accepted < part.draft.count, sequence.entry == part.entry,
                sequence.history.count == start + accepted + 1, core.kvCache[part.entry].count == start + accepted,
                !sequence.isAtTokenLimit
            else { break }
            guard sequence.history[start + accepted] == part.draft[accepted] else {
                isRefused = true
                break
            }
            accepted += 1
            sequence.speculation?.accept()
        }
        core.kvCache.rollBack(part.entry)
        sequence.speculation?.endVerification(isRefused: isRefused)
        return emitted
    }

    /// Learns from a step without prompts, and counts its drafts.
    func recordSpeculation(since begin: MonotonicTime) {
        guard parts.contains(where: { $0.sequence.speculation != nil }), parts.allSatisfy(\.isDecoding) else { return }
        let drafted = parts.filter { !$0.draft.isEmpty }
        let draftCount = drafted.reduce(0) { $0 + $1.draft.count }
        if draftCount > 0 {
            let accepted = drafted.reduce(0) { $0 + ($1.sequence.speculation?.lastResult?.accepted ?? 0) }
            core.board.update { status in
                status.counters.drafts += UInt64(drafted.count)
                status.counters.draftedTokens += UInt64(draftCount)
                status.counters.acceptedDraftTokens += UInt64(accepted)
            }
        }
        core.speculator.record(
            .init(
                sequences: parts.map(\.sequence), draftCount: draftCount,
                nanoseconds: Double(MonotonicTime.now.nanoseconds - begin.nanoseconds)))
    }
}

extension EngineSequence {
    /// The first `count` tokens of the draft.
    func draft(of count: Int) -> [Int32] {
        guard count > 0, let speculation else { return [] }
        return Array(speculation.draft.prefix(count))
    }
}
