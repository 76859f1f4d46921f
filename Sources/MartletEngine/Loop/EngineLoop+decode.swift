import Llama
import MartletGrammar
import MartletProtocol

extension EngineLoop {
    /// Fills the batch for the next decode.
    ///
    /// - Returns: whether there is anything to compute.
    func plan() -> Bool {
        releaseFollowers()
        while true {
            demands.removeAll(keepingCapacity: true)
            var isSomebodyWriting = false
            for slot in slots {
                guard let generation = slot.generation, !generation.isResting, slot.pending > 0,
                    generation.awaited == nil
                else { continue }
                isSomebodyWriting = isSomebodyWriting || slot.isWriting
                let next = planner.shape.next(
                    from: slot.memoryCount, to: generation.history.count, promptCount: generation.promptLength)
                let count = generation.wantsPromptScores ? min(next.count, BatchShape.chunk) : next.count
                demands.append(
                    .init(sequence: slot.index, count: count, isWide: next.isWide, isWriting: slot.isWriting))
            }
            if let suspect = demands.first(where: { suspects.contains($0.sequence) }) { demands = [suspect] }
            guard !demands.isEmpty else { return false }
            keepOneThatWantsPromptScores()
            keepOneSetOfAdapters()
            guard !demands.isEmpty else { continue }
            planner.plan(
                demands, promptBudget: pace.budget(isSomebodyWriting: isSomebodyWriting), into: &shares)
            let needed = shares.reduce(0) { $0 + $1.count }
            guard let action = PoolPolicy.makeRoom(for: needed, capacity: capacity, holders: holders) else { break }
            perform(action)
        }
        fillBatch()
        return true
    }

    /// Leaves the demands of one set of adapters, as a decode applies one set to all. Who waits longest comes first.
    private func keepOneSetOfAdapters() {
        guard !loaded.adapters.isEmpty else { return }
        let longest = demands.min { slots[$0.sequence].lastUsed < slots[$1.sequence].lastUsed }
        guard let chosen = longest.map({ slots[$0.sequence].adapters }) else { return }
        demands.removeAll { slots[$0.sequence].adapters != chosen }
        apply(chosen)
    }

    /// Leaves one demand of those that want the scores of all of a prompt's tokens: who waits longest.
    private func keepOneThatWantsPromptScores() {
        let chosen = demands.filter { wantsPromptScores($0.sequence) }
            .min { slots[$0.sequence].lastUsed < slots[$1.sequence].lastUsed }
        guard let chosen else { return }
        demands.removeAll { $0.sequence != chosen.sequence && wantsPromptScores($0.sequence) }
    }

    private func wantsPromptScores(_ index: Int) -> Bool { slots[index].generation?.wantsPromptScores ?? false }

    private func fillBatch() {
        batch.removeAll()
        parts.removeAll(keepingCapacity: true)
        for share in shares {
            guard let generation = slots[share.sequence].generation else { continue }
            let start = slots[share.sequence].memoryCount
            let end = start + share.count
            let wantsAll = generation.wantsPromptScores
            var last = 0
            for position in start..<end {
                last = batch.add(
                    token: generation.history[position], position: position, sequence: share.sequence,
                    wantsLogits: wantsAll || position + 1 == generation.history.count)
            }
            parts.append(
                BatchPart(
                    slot: share.sequence, start: start, count: share.count, lastIndex: last,
                    logitsIndex: end == generation.history.count ? last : nil, isWriting: share.isWriting))
        }
    }

    /// Computes the batch and takes the result.
    func decode() {
        let prompts = parts.filter { !$0.isWriting }
        // Breaking off a decode ruins the running state of every sequence in it, so there it must be alone.
        let canAbort = !hasRecurrentMemory || parts.count == 1
        decodeGuard.begin(prompts: canAbort ? prompts.compactMap { slots[$0.slot].generation?.handle } : [])
        let before = MonotonicTime.now
        progress.note(.decoding, count: batch.count)
        let outcome = context.decode(batch)
        let now = MonotonicTime.now
        decodeGuard.end()
        let promptTokens = prompts.reduce(0) { $0 + $1.count }
        board.update { status in
            status.counters.decodes += 1
            status.counters.busySlots += UInt64(parts.count)
            if outcome == .done { status.counters.promptTokens += UInt64(promptTokens) }
        }
        guard outcome == .done else {
            recover(from: outcome)
            return
        }
        pace.observe(
            tokens: promptTokens, nanoseconds: now.nanoseconds - before.nanoseconds,
            besideWriters: prompts.count < parts.count)
        for part in parts {
            slots[part.slot].memoryCount = part.start + part.count
            slots[part.slot].lastUsed = turn
            suspects.remove(part.slot)
            if !part.isWriting {
                reportProgress(of: part.slot, now: now)
                reportPromptTokens(of: part)
            }
        }
        progress.note(.sampling, count: parts.count)
        sample()
    }

    /// Tells how likely the prompt's tokens were whose predecessors are in a part.
    private func reportPromptTokens(of part: BatchPart) {
        guard let generation = slots[part.slot].generation, generation.wantsPromptScores,
            let wish = generation.settings.probabilities, var prompt = generation.promptReport
        else { return }
        if prompt.next == 0 { prompt.addFirst(generation.history[0]) }
        let end = part.start + part.count
        for position in part.start..<end where prompt.next == position + 1 {
            guard let logits = context.logits(at: part.lastIndex + 1 + position - end) else { break }
            report.keep(logits, count: wish.count)
            guard report.isUsable else { return fail(part.slot, .unusableScores(of: loaded.information)) }
            prompt.add(generation.history[position + 1], report, vocabulary: loaded.vocabulary)
        }
        if let told = prompt.take() { output.add(generation.handle, .promptTokens(first: told.first), told.tokens) }
        generation.promptReport = prompt
    }

    /// Draws the next token of every sequence whose tokens are all in memory.
    private func sample() {
        drawTogether()
        var drawn: UInt64 = 0
        for part in parts {
            guard let index = part.logitsIndex, let generation = slots[part.slot].generation else { continue }
            if generation.isAtTokenLimit {
                finish(part.slot, .tokenLimit)
                continue
            }
            let replayed = generation.takeReplayed()
            guard let logits = context.logits(at: index),
                let token = draw(for: generation, from: logits, insteadTaking: replayed)
            else {
                fail(part.slot, nothingToDraw(generation))
                continue
            }
            if replayed == nil, obeyBefore(token.id, part.slot) { continue }
            let start = output.bytes.count
            let reason = generation.accept(
                token.id, token.probabilities, at: replayed == nil ? .now : nil, vocabulary: loaded.vocabulary,
                contextLength: sequenceLimit, into: &output.bytes)
            let probabilities = generation.takeCertainProbabilities()
            if replayed == nil {
                drawn += 1
                output.addToken(
                    generation.handle, token.id, textFrom: start, probabilities,
                    standing: generation.request.reportsStanding
                        ? Standing(slot: part.slot, timings: generation.timings(now: .now)) : nil)
            } else {
                // It was told by the run that drew it first.
                output.bytes.removeLast(output.bytes.count - start)
            }
            if let reason {
                finish(part.slot, reason)
            } else if generation.history.count >= sequenceLimit {
                shift(part.slot)
            } else {
                steer(generation)
                if replayed != nil { obeyWaiting(generation) }
            }
        }
        for draw in draws { draw.generation.early = nil }
        draws.removeAll(keepingCapacity: true)
        board.update { $0.counters.predictedTokens += drawn }
    }

    /// Chooses the tokens of several sequences at once, if that is faster. They are taken afterwards, one by one.
    ///
    /// Only where nothing but the sampler has a say: grammars share what they computed, and so do reports.
    private func drawTogether() {
        guard parts.count > 1 else { return }
        var scores = 0
        for part in parts {
            guard let index = part.logitsIndex, let generation = slots[part.slot].generation,
                !generation.isAtTokenLimit, generation.settings.probabilities == nil, !isConstrained(generation),
                let logits = context.logits(at: index)
            else { continue }
            draws.append(EarlyDraw(generation: generation, logits: logits))
            scores += logits.count * generation.sampler.passes
        }
        let laneCount = team.laneCount(for: draws.count, scores: scores)
        guard laneCount > 1 else { return }
        // Each is one lane's, and this thread, whose they are, waits for all lanes.
        nonisolated(unsafe) let draws = draws
        team.run(draws.count, lanes: laneCount) { job, candidates in
            let (generation, logits) = (draws[job].generation, draws[job].logits)
            let begin = MonotonicTime.now
            generation.early = .some(
                generation.sampler.sample(
                    logits, history: generation.history, index: generation.predicted, with: candidates))
            generation.samplingTime += .now - begin
        }
    }

    /// Chooses a token that the generation's grammar allows, if it has one.
    ///
    /// The grammar is asked of the one token that is drawn; only where it refuses that, which tokens it allows is computed.
    private func drawAllowed(for generation: Generation, from logits: UnsafeMutableBufferPointer<Float>) -> Int32? {
        if let early = generation.early.take() { return early }
        let candidates = team.first
        guard let matcher = generation.matcher, isConstrained(generation) else {
            return generation.sampler.sample(
                logits, history: generation.history, index: generation.predicted, with: candidates)
        }
        if generation.isAstray { return nil }
        let keepsScores = generation.sampler.keepsScores
        if !keepsScores { keptScores.keep(logits) }
        let draw = generation.sampler.finalDraw
        let token = generation.sampler.sample(
            logits, history: generation.history, index: generation.predicted, with: candidates)
        let begin = MonotonicTime.now
        if let token, matcher.allows(token) {
            generation.grammarTime += .now - begin
            return token
        }
        let mask = matcher.mask()
        generation.grammarTime += .now - begin
        if !keepsScores { keptScores.restore(logits) }
        return generation.sampler.sampleAgain(
            after: draw, logits, mask: mask, history: generation.history, index: generation.predicted,
            with: candidates)
    }

    /// Chooses a token, and notes how likely it was where that is asked for.
    ///
    /// - Parameter replayed: what an earlier run chose here. The draw is then for the sampler's memory alone.
    private func draw(
        for generation: Generation, from logits: UnsafeMutableBufferPointer<Float>, insteadTaking replayed: Int32?
    ) -> (id: Int32, probabilities: TokenProbabilities?)? {
        let wish = generation.settings.probabilities
        if let wish, wish.stage == .beforeSampling { report.keep(logits, count: wish.count) }
        let begin = MonotonicTime.now
        let drawn = drawAllowed(for: generation, from: logits)
        generation.samplingTime += .now - begin
        guard let token = replayed ?? drawn else { return nil }
        guard let wish else { return (token, nil) }
        let text = { generation.text(of: $0, in: self.loaded.vocabulary) }
        switch wish.stage {
        case .beforeSampling: return (token, report.report(token, textOffset: generation.textOffset, text: text))
        case .afterSampling:
            return (
                token,
                report.report(
                    token, isGreedy: generation.sampler.isGreedy, from: team.first, count: wish.count,
                    textOffset: generation.textOffset, text: text)
            )
        }
    }
}

/// A token to choose.
struct EarlyDraw {
    var generation: Generation
    var logits: UnsafeMutableBufferPointer<Float>
}
