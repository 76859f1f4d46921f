import Llama
import MartletProtocol

extension EngineLoop {
    /// Fills the batch with the items that the scheduler chose.
    func fillBatch(_ output: SchedulerOutput) {
        batch.removeAll()
        parts.removeAll(keepingCapacity: true)
        for scheduled in output.sequences {
            guard let sequence = core.scheduler.running[scheduled.slot], let entry = sequence.entry else { continue }
            let end = scheduled.start + scheduled.count
            var last = 0
            for position in scheduled.start..<end {
                let isEnd = position + 1 == sequence.history.count
                last = batch.add(
                    token: sequence.history[position], position: position, sequence: entry.rawValue,
                    wantsLogits: scheduled.rows == .all || (scheduled.rows != .none && isEnd))
            }
            let draft = sequence.draft(of: scheduled.draftCount)
            for (offset, token) in draft.enumerated() {
                batch.add(token: token, position: end + offset, sequence: entry.rawValue, wantsLogits: true)
            }
            parts.append(
                BatchPart(
                    sequence: sequence, entry: entry, start: scheduled.start, count: scheduled.count, lastIndex: last,
                    logitsIndex: end == sequence.history.count ? last : nil, isDecoding: scheduled.isDecoding,
                    draft: draft))
        }
    }

    /// Computes the batch and samples the next tokens. A failed decode is recovered.
    func decode() {
        let prompts = parts.filter { !$0.isDecoding }
        // An abort destroys the recurrent state of every sequence of the decode. Therefore only a decode of one
        // sequence may be aborted there.
        let canAbort = core.kvCache.kind != .recurrent || parts.count == 1
        decodeGuard.begin(prompts: canAbort ? prompts.map(\.sequence.handle) : [])
        let before = MonotonicTime.now
        progress.record(.decoding, count: batch.count)
        let decodeResult = core.kvCache.context.decode(batch)
        let now = MonotonicTime.now
        decodeGuard.end()
        let promptTokens = prompts.reduce(0) { $0 + $1.count }
        core.board.update { status in
            status.counters.decodes += 1
            status.counters.busySlots += UInt64(parts.count)
            if decodeResult == .done { status.counters.promptTokens += UInt64(promptTokens) }
        }
        guard decodeResult == .done else { return recover(from: decodeResult) }
        core.holdsAdmission = false
        core.kvCache.computedCount += batch.count
        core.scheduler.prefillBudget.observe(
            tokens: promptTokens, nanoseconds: now.nanoseconds - before.nanoseconds,
            besideDecoding: prompts.count < parts.count)
        for part in parts {
            core.kvCache.advance(
                part.entry, to: part.start + part.count,
                exactLimit: core.scheduler.planner.shape.alignedEnd(promptCount: part.sequence.promptLength),
                at: core.stepNumber)
            if let slot = part.sequence.slot { core.scheduler.suspects.remove(slot) }
            guard !part.isDecoding else { continue }
            core.addDueCheckpoint(of: part.sequence)
            core.reportProgress(of: part.sequence, now: now)
            reportPromptTokens(of: part)
        }
        progress.record(.sampling, count: parts.count)
        sample()
        recordSpeculation(since: before)
    }

    /// Emits the logprobs of the prompt tokens whose predecessors are in a part of the batch.
    private func reportPromptTokens(of part: BatchPart) {
        let sequence = part.sequence
        guard sequence.needsPromptLogprobs else { return }
        let end = part.start + part.count
        let isUsable = sampling.addPromptLogprobs(to: sequence, part.start..<end) { position in
            core.kvCache.context.logits(at: part.lastIndex + 1 + position - end)
        }
        guard isUsable else { return core.fail(sequence, .unusableLogits(of: core.loaded.information)) }
        if let reported = sequence.promptLogprobs?.drainReportable() {
            core.output.add(sequence.handle, .promptLogprobs(first: reported.first), reported.tokens)
        }
    }

    /// Samples the next token of every sequence whose items are all computed.
    private func sample() {
        if parts.count > 1 {
            sampling.sampleInParallel(
                parts.compactMap { part in
                    guard let index = part.logitsIndex, part.sequence.slot != nil, part.draft.isEmpty else {
                        return nil
                    }
                    return core.kvCache.context.logits(at: index).map {
                        ParallelSample(sequence: part.sequence, logits: $0)
                    }
                })
        }
        var sampled: UInt64 = 0
        for part in parts {
            guard let index = part.logitsIndex, part.sequence.slot != nil else { continue }
            if part.sequence.isAtTokenLimit {
                core.finish(part.sequence, .tokenLimit)
            } else if !part.draft.isEmpty {
                sampled += verify(part, at: index)
            } else if sampleToken(of: part.sequence, at: index) {
                sampled += 1
            }
        }
        sampling.endStep()
        core.board.update { $0.counters.predictedTokens += sampled }
    }

    /// Samples the next token of a sequence, accepts it and emits it.
    ///
    /// - Returns: whether a token was emitted: not if an earlier run has emitted it.
    func sampleToken(of sequence: EngineSequence, at index: Int) -> Bool {
        let replayed = sequence.popReplayedToken()
        guard let logits = core.kvCache.context.logits(at: index),
            let token = sampling.sampleToken(for: sequence, from: logits, replaying: replayed)
        else {
            core.fail(sequence, sampling.noTokenToSample(sequence))
            return false
        }
        if replayed == nil, core.applyCommandsBefore(token.id, sequence) { return false }
        let start = core.output.bytes.count
        let reason = sequence.accept(
            token.id, token.probabilities, at: replayed == nil ? .now : nil, vocabulary: core.loaded.vocabulary,
            contextLength: core.sequenceLimit, into: &core.output.bytes)
        let probabilities = sequence.drainCertainProbabilities()
        if replayed == nil {
            let timings =
                sequence.request.parameters.reportsTokenTimings
                ? sequence.slot.map { TokenTimings(slot: $0, timings: sequence.timings(now: .now)) } : nil
            core.output.addToken(
                sequence.handle, token.id, textFrom: start, probabilities, tokenTimings: timings)
        } else {
            // The run that sampled the token first has emitted it.
            core.output.bytes.removeLast(core.output.bytes.count - start)
        }
        if let reason {
            core.finish(sequence, reason)
        } else if sequence.history.count >= core.sequenceLimit {
            core.shift(sequence)
        } else {
            core.applyDueCommands(sequence)
            if replayed != nil { core.applyWaitingCommands(sequence) }
        }
        return replayed == nil
    }
}
