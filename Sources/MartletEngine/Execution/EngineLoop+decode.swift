import Llama
import MartletGrammar
import MartletProtocol

extension EngineLoop {
    /// Fills the batch for the next decode, after making room in the KV cache.
    ///
    /// - Returns: whether there is anything to compute.
    func plan() -> Bool {
        releaseSiblings()
        while true {
            pendingTokens.removeAll(keepingCapacity: true)
            var isDecoding = false
            for slot in slots {
                guard let sequence = slot.sequence, !sequence.isResting, slot.pendingTokenCount > 0,
                    sequence.awaitedParent == nil
                else { continue }
                isDecoding = isDecoding || slot.isDecoding
                let next = planner.shape.next(
                    from: slot.cachedTokenCount, to: sequence.history.count, promptCount: sequence.promptLength)
                let count = sequence.needsPromptLogprobs ? min(next.count, BatchShape.chunk) : next.count
                pendingTokens.append(
                    .init(slot: slot.index, count: count, isAligned: next.isAligned, isDecoding: slot.isDecoding))
            }
            if let suspect = pendingTokens.first(where: { suspects.contains($0.slot) }) { pendingTokens = [suspect] }
            guard !pendingTokens.isEmpty else { return false }
            restrictToOnePromptLogprobs()
            restrictToOneAdapterSet()
            guard !pendingTokens.isEmpty else { continue }
            planner.plan(
                pendingTokens, promptBudget: prefillBudget.tokenLimit(isDecoding: isDecoding), into: &scheduledTokens)
            let needed = scheduledTokens.reduce(0) { $0 + $1.count }
            guard let action = PoolPolicy.makeRoom(for: needed, capacity: capacity, holders: holders) else { break }
            perform(action)
        }
        fillBatch()
        return true
    }

    /// Restricts the pending tokens to one set of adapters, because a decode applies one set to all sequences. The
    /// sequence that has waited for longest decides.
    private func restrictToOneAdapterSet() {
        guard !loaded.adapters.isEmpty else { return }
        let longest = pendingTokens.min { slots[$0.slot].lastUsed < slots[$1.slot].lastUsed }
        guard let chosen = longest.map({ slots[$0.slot].adapters }) else { return }
        pendingTokens.removeAll { slots[$0.slot].adapters != chosen }
        apply(chosen)
    }

    /// Restricts the pending tokens to one slot of those that need the logits of all prompt tokens: the slot that has
    /// waited for longest.
    private func restrictToOnePromptLogprobs() {
        let chosen = pendingTokens.filter { needsPromptLogprobs($0.slot) }
            .min { slots[$0.slot].lastUsed < slots[$1.slot].lastUsed }
        guard let chosen else { return }
        pendingTokens.removeAll { $0.slot != chosen.slot && needsPromptLogprobs($0.slot) }
    }

    private func needsPromptLogprobs(_ index: Int) -> Bool { slots[index].sequence?.needsPromptLogprobs ?? false }

    private func fillBatch() {
        batch.removeAll()
        parts.removeAll(keepingCapacity: true)
        for scheduled in scheduledTokens {
            guard let sequence = slots[scheduled.slot].sequence else { continue }
            let start = slots[scheduled.slot].cachedTokenCount
            let end = start + scheduled.count
            let needsAllLogits = sequence.needsPromptLogprobs
            var last = 0
            for position in start..<end {
                last = batch.add(
                    token: sequence.history[position], position: position, sequence: scheduled.slot,
                    wantsLogits: needsAllLogits || position + 1 == sequence.history.count)
            }
            parts.append(
                BatchPart(
                    slot: scheduled.slot, start: start, count: scheduled.count, lastIndex: last,
                    logitsIndex: end == sequence.history.count ? last : nil, isDecoding: scheduled.isDecoding))
        }
    }

    /// Computes the batch and updates the KV cache counts of its slots. A failed decode is recovered.
    func decode() {
        let prompts = parts.filter { !$0.isDecoding }
        // An abort destroys the recurrent state of every sequence of the decode. Therefore only a decode of one
        // sequence may be aborted there.
        let canAbort = !hasRecurrentState || parts.count == 1
        decodeGuard.begin(prompts: canAbort ? prompts.compactMap { slots[$0.slot].sequence?.handle } : [])
        let before = MonotonicTime.now
        progress.record(.decoding, count: batch.count)
        let decodeResult = context.decode(batch)
        let now = MonotonicTime.now
        decodeGuard.end()
        let promptTokens = prompts.reduce(0) { $0 + $1.count }
        board.update { status in
            status.counters.decodes += 1
            status.counters.busySlots += UInt64(parts.count)
            if decodeResult == .done { status.counters.promptTokens += UInt64(promptTokens) }
        }
        guard decodeResult == .done else {
            recover(from: decodeResult)
            return
        }
        prefillBudget.observe(
            tokens: promptTokens, nanoseconds: now.nanoseconds - before.nanoseconds,
            besideDecoding: prompts.count < parts.count)
        for part in parts {
            slots[part.slot].cachedTokenCount = part.start + part.count
            slots[part.slot].lastUsed = stepNumber
            suspects.remove(part.slot)
            if !part.isDecoding {
                reportProgress(of: part.slot, now: now)
                reportPromptTokens(of: part)
            }
        }
        progress.record(.sampling, count: parts.count)
        sample()
    }

    /// Emits the logprobs of the prompt tokens whose predecessors are in a part of the batch.
    private func reportPromptTokens(of part: BatchPart) {
        guard let sequence = slots[part.slot].sequence, sequence.needsPromptLogprobs,
            let probabilityRequest = sequence.settings.probabilities, var prompt = sequence.promptLogprobs
        else { return }
        if prompt.next == 0 { prompt.addFirst(sequence.history[0]) }
        let end = part.start + part.count
        for position in part.start..<end where prompt.next == position + 1 {
            guard let logits = context.logits(at: part.lastIndex + 1 + position - end) else { break }
            report.load(logits, count: probabilityRequest.count)
            guard report.isUsable else { return fail(part.slot, .unusableLogits(of: loaded.information)) }
            prompt.add(sequence.history[position + 1], report, vocabulary: loaded.vocabulary)
        }
        if let reported = prompt.drainReportable() {
            output.add(sequence.handle, .promptLogprobs(first: reported.first), reported.tokens)
        }
        sequence.promptLogprobs = prompt
    }

    /// Samples the next token of every slot whose tokens are all computed.
    private func sample() {
        sampleInParallel()
        var sampled: UInt64 = 0
        for part in parts {
            guard let index = part.logitsIndex, let sequence = slots[part.slot].sequence else { continue }
            if sequence.isAtTokenLimit {
                finish(part.slot, .tokenLimit)
                continue
            }
            let replayed = sequence.popReplayedToken()
            guard let logits = context.logits(at: index),
                let token = sampleToken(for: sequence, from: logits, replaying: replayed)
            else {
                fail(part.slot, noTokenToSample(sequence))
                continue
            }
            if replayed == nil, applyCommandsBefore(token.id, part.slot) { continue }
            let start = output.bytes.count
            let reason = sequence.accept(
                token.id, token.probabilities, at: replayed == nil ? .now : nil, vocabulary: loaded.vocabulary,
                contextLength: sequenceLimit, into: &output.bytes)
            let probabilities = sequence.drainCertainProbabilities()
            if replayed == nil {
                sampled += 1
                output.addToken(
                    sequence.handle, token.id, textFrom: start, probabilities,
                    tokenTimings: sequence.request.reportsTokenTimings
                        ? TokenTimings(slot: part.slot, timings: sequence.timings(now: .now)) : nil)
            } else {
                // The run that sampled the token first has emitted it.
                output.bytes.removeLast(output.bytes.count - start)
            }
            if let reason {
                finish(part.slot, reason)
            } else if sequence.history.count >= sequenceLimit {
                shift(part.slot)
            } else {
                applyDueCommands(sequence)
                if replayed != nil { applyWaitingCommands(sequence) }
            }
        }
        for sample in parallelSamples { sample.sequence.sampledToken = nil }
        parallelSamples.removeAll(keepingCapacity: true)
        board.update { $0.counters.predictedTokens += sampled }
    }

    /// Samples the tokens of several slots at the same time, if that is faster. They are accepted one by one
    /// afterwards.
    ///
    /// Sequences with a grammar or with probabilities are excluded, because their state is shared between sequences.
    private func sampleInParallel() {
        guard parts.count > 1 else { return }
        var logitCount = 0
        for part in parts {
            guard let index = part.logitsIndex, let sequence = slots[part.slot].sequence,
                !sequence.isAtTokenLimit, sequence.settings.probabilities == nil, !isConstrained(sequence),
                let logits = context.logits(at: index)
            else { continue }
            parallelSamples.append(ParallelSample(sequence: sequence, logits: logits))
            logitCount += logits.count * sequence.sampler.passes
        }
        let laneCount = samplerPool.laneCount(for: parallelSamples.count, logitCount: logitCount)
        guard laneCount > 1 else { return }
        // Each element belongs to one lane, and this thread, which owns the array, waits for all lanes.
        nonisolated(unsafe) let parallelSamples = parallelSamples
        samplerPool.run(parallelSamples.count, lanes: laneCount) { job, candidates in
            let (sequence, logits) = (parallelSamples[job].sequence, parallelSamples[job].logits)
            let begin = MonotonicTime.now
            sequence.sampledToken = .some(
                sequence.sampler.sample(
                    logits, history: sequence.history, index: sequence.predictedCount, with: candidates))
            sequence.samplingTime += .now - begin
        }
    }

    /// Samples a token that the grammar of the sequence allows.
    ///
    /// The grammar is first asked about the sampled token only. The token mask is computed only if the grammar refuses
    /// that token.
    private func sampleAllowedToken(for sequence: EngineSequence, from logits: UnsafeMutableBufferPointer<Float>)
        -> Int32?
    {
        if let sampledToken = sequence.sampledToken.take() { return sampledToken }
        let candidates = samplerPool.first
        guard let matcher = sequence.matcher, isConstrained(sequence) else {
            return sequence.sampler.sample(
                logits, history: sequence.history, index: sequence.predictedCount, with: candidates)
        }
        if sequence.isOffGrammar { return nil }
        let preservesLogits = sequence.sampler.preservesLogits
        if !preservesLogits { savedLogits.save(logits) }
        let selection = sequence.sampler.selection
        let token = sequence.sampler.sample(
            logits, history: sequence.history, index: sequence.predictedCount, with: candidates)
        let begin = MonotonicTime.now
        if let token, matcher.allows(token) {
            sequence.grammarTime += .now - begin
            return token
        }
        let mask = matcher.mask()
        sequence.grammarTime += .now - begin
        if !preservesLogits { savedLogits.restore(logits) }
        return sequence.sampler.resample(
            after: selection, logits, mask: mask, history: sequence.history, index: sequence.predictedCount,
            with: candidates)
    }

    /// Samples a token, and records its probability if the request asks for it.
    ///
    /// - Parameter replayed: the token that an earlier run sampled here. The sample then only updates the state of the
    ///   sampler.
    private func sampleToken(
        for sequence: EngineSequence, from logits: UnsafeMutableBufferPointer<Float>, replaying replayed: Int32?
    ) -> (id: Int32, probabilities: TokenProbabilities?)? {
        let probabilityRequest = sequence.settings.probabilities
        if let probabilityRequest, probabilityRequest.stage == .beforeSampling {
            report.load(logits, count: probabilityRequest.count)
        }
        let begin = MonotonicTime.now
        let sampled = sampleAllowedToken(for: sequence, from: logits)
        sequence.samplingTime += .now - begin
        guard let token = replayed ?? sampled else { return nil }
        guard let probabilityRequest else { return (token, nil) }
        let text = { sequence.text(of: $0, in: self.loaded.vocabulary) }
        switch probabilityRequest.stage {
        case .beforeSampling: return (token, report.report(token, textOffset: sequence.textOffset, text: text))
        case .afterSampling:
            return (
                token,
                report.report(
                    token, isGreedy: sequence.sampler.isGreedy, from: samplerPool.first,
                    count: probabilityRequest.count,
                    textOffset: sequence.textOffset, text: text)
            )
        }
    }
}

/// The sampler of one sequence and the token that it samples.
struct ParallelSample {
    var sequence: EngineSequence
    var logits: UnsafeMutableBufferPointer<Float>
}
