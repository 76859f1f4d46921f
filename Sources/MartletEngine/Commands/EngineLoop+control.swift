import Llama
import MartletGrammar
import MartletProtocol

/// The place of a sequence in the engine: in a slot, in the queue, or swapped out.
private enum Location {
    case slot(Int)
    case queue(position: Int)
    case swappedOut(Int)
}

extension EngineLoop {
    /// Applies a control command. A command to a sequence that has ended is ignored: the terminal event was its reply.
    func applyCommand(_ action: ControlAction, _ number: CommandNumber, _ handle: GenerationHandle) {
        guard let (sequence, location) = find(handle) else { return }
        func reportApplied(_ command: AppliedCommand) {
            output.add(handle, .controlled(number, .applied(command, token: sequence.knownCount)))
        }
        func refuse(_ refusal: ControlRefusal) { output.add(handle, .controlled(number, .refused(refusal))) }

        switch action {
        case .stop(let reason):
            reportApplied(.stopped(reason: reason))
            end(handle, .stopped(reason))
        case .pause:
            guard !sequence.isPaused else { return refuse(.alreadyPaused) }
            // Earlier commands that wait for a slot are applied first.
            if case .queue = location, !sequence.mustReplay, queue.remove(id: handle.rawValue) != nil {
                swappedOut.append(sequence)
                applyWaitingCommands(sequence)
                guard find(handle) != nil else { return }
            }
            sequence.pause(at: .now)
            reportApplied(.paused)
        case .resume:
            guard sequence.isPaused else { return refuse(.notPaused) }
            sequence.resume(at: .now)
            if case .swappedOut(let index) = location {
                queue.prepend(swappedOut.remove(at: index), id: handle.rawValue)
            }
            reportApplied(.resumed)
        case .set(let change):
            // New values take effect behind the tokens of an earlier run.
            guard !sequence.isReplaying else { return deferCommand(action, number, sequence, location) }
            set(change, number, sequence)
        case .status:
            output.add(handle, .controlled(number, .status(status(of: sequence, location))))
        case .endReasoning, .inject, .rewind, .fork:
            guard sequence.hasBegun else { return refuse(.notStarted) }
            var slot: Int?
            switch location {
            case .slot(let index): slot = index
            // Commands to a swapped-out sequence change only its tokens: its KV state comes back when it is resumed.
            case .swappedOut: break
            // A preempted or continued sequence gets a slot when there is one. The command is applied then.
            case .queue: return deferCommand(action, number, sequence, location)
            }
            guard !sequence.isReplaying else { return deferCommand(action, number, sequence, location) }
            do throws(EngineError) {
                try change(slot, sequence, action, number)
            } catch {
                refuse(.invalid(error.message))
            }
        }
    }

    /// Defers a command until the sequence has a slot and has sampled the tokens of an earlier run again.
    private func deferCommand(
        _ action: ControlAction, _ number: CommandNumber, _ sequence: EngineSequence, _ location: Location
    ) {
        sequence.pendingCommands.waiting.append((number, action))
        // A paused sequence is queued to sample these tokens now. Otherwise the command would wait until the sequence
        // is resumed.
        if case .swappedOut(let index) = location {
            queue.prepend(swappedOut.remove(at: index), id: sequence.handle.rawValue)
        }
    }

    /// Applies the commands that were deferred while the sequence had no slot.
    func applyWaitingCommands(_ sequence: EngineSequence) {
        guard !sequence.pendingCommands.waiting.isEmpty else { return }
        let waiting = sequence.pendingCommands.waiting
        sequence.pendingCommands.waiting = []
        for command in waiting { applyCommand(command.action, command.number, sequence.handle) }
    }

    private func find(_ handle: GenerationHandle) -> (EngineSequence, Location)? {
        for slot in slots {
            if let sequence = slot.sequence, sequence.handle == handle { return (sequence, .slot(slot.index)) }
        }
        if let (position, sequence) = queue.find(id: handle.rawValue) {
            return (sequence, .queue(position: position))
        }
        if let index = swappedOut.firstIndex(where: { $0.handle == handle }) {
            return (swappedOut[index], .swappedOut(index))
        }
        return nil
    }

    private func set(_ change: SettingsChange, _ number: CommandNumber, _ sequence: EngineSequence) {
        var old = sequence.settings
        if change.keys.contains(.reasoningBudget), sequence.reasoning == nil {
            output.add(sequence.handle, .controlled(number, .refused(.noReasoningDelimiters)))
            return
        }
        var change = change
        do throws(EngineError) {
            let constraint = try newConstraint(in: &change, for: sequence)
            var new = old
            new.apply(change)
            // A grammar can be large, and no client reads the old one.
            if !change.keys.contains(.constraint) { old.constraint = nil }
            if new.sampling != old.sampling {
                sequence.sampler = try loaded.sampler(
                    for: new.sampling, ignoringEndOfGeneration: sequence.request.ignoresEndOfGeneration)
            }
            sequence.change(change)
            if change.keys.contains(.constraint) { sequence.constrain(to: constraint, newMatcher(for: constraint)) }
        } catch {
            output.add(sequence.handle, .controlled(number, .refused(.invalid(error.message))))
            return
        }
        output.add(
            sequence.handle,
            .controlled(number, .applied(.changed(change, old: old), token: sequence.predictedCount)))
        // A smaller reasoning budget may be exhausted already.
        if sequence.hasBegun { applyDueCommands(sequence) }
    }

    /// Makes the grammar of a settings change, if it has one, effective from the next token on. Reasoning that is still
    /// to come is exempt.
    private func newConstraint(
        in change: inout SettingsChange, for sequence: EngineSequence
    ) throws(EngineError) -> CompiledConstraint? {
        guard change.keys.contains(.constraint) else { return nil }
        change.values.constraintStart = sequence.newConstraintStart(in: loaded.vocabulary)
        guard let wanted = change.values.constraint else { return nil }
        guard sequence.pendingCommands.injections.isEmpty else {
            throw EngineError(
                .invalidRequest, "Field 'changes.grammar': Injections wait for their moment, which no grammar allows")
        }
        if let reasoning = sequence.reasoning, let rule = sequence.request.reasoning?.rule,
            reasoning.phase != .content
        {
            do throws(GrammarError) {
                change.values.constraint = GenerationConstraint(
                    try wanted.grammar.afterReasoning(
                        from: rule.start, to: rule.end, isOpen: reasoning.phase == .reasoning))
            } catch {
                throw EngineError(.invalidRequest, "Field 'changes.grammar': \(error)")
            }
        }
        return try loaded.constraints.compile(change.values.constraint)
    }

    /// Applies a command that changes the tokens of a sequence.
    ///
    /// - Parameter index: the slot of the sequence; `nil` if it is swapped out.
    private func change(
        _ index: Int?, _ sequence: EngineSequence, _ action: ControlAction, _ number: CommandNumber
    ) throws(EngineError) {
        func refuse(_ refusal: ControlRefusal) {
            output.add(sequence.handle, .controlled(number, .refused(refusal)))
        }
        switch action {
        case .endReasoning(let message):
            guard let reasoning = sequence.reasoning else { return refuse(.noReasoningDelimiters) }
            switch reasoning.phase {
            case .notBegun: return refuse(.notReasoning)
            case .content: return refuse(.reasoningAlreadyEnded)
            case .reasoning: break
            }
            let tokens = try message.map { text throws(EngineError) in try loaded.tokenizer.tokens(ofMessage: text) }
            sequence.pendingCommands.reasoningEnds.append(.init(number: number, message: tokens))
            applyDueCommands(sequence)
        case .inject(let injection):
            guard sequence.matcher == nil else { return refuse(.constrained) }
            let tokens = try loaded.tokenizer.tokens(of: injection.content)
            guard sequence.pendingCommands.injections.count < PendingCommands.injectionLimit else {
                return refuse(.tooManyInjections(limit: PendingCommands.injectionLimit))
            }
            sequence.pendingCommands.injections.append(
                .init(number: number, tokens: tokens, moment: injection.moment, opensTurn: injection.opensTurn))
            applyDueCommands(sequence)
        case .rewind(let target): try rewind(index, sequence, to: target, number)
        case .fork(let forks): try fork(index, sequence, forks, number)
        case .stop, .pause, .resume, .set, .status: break
        }
    }

    private func rewind(
        _ index: Int?, _ sequence: EngineSequence, to target: RewindTarget, _ number: CommandNumber
    ) throws(EngineError) {
        func refuse(_ refusal: ControlRefusal) {
            output.add(sequence.handle, .controlled(number, .refused(refusal)))
        }
        guard !sequence.isTruncated else { return refuse(.truncated) }
        let wanted: Int
        switch target {
        case .token(let count):
            guard count >= 0, count <= sequence.predictedCount else {
                return refuse(.beyondEnd(tokens: sequence.predictedCount))
            }
            wanted = count
        case .text(let text):
            guard !text.isEmpty, let count = sequence.tokenCount(behind: text, in: loaded.vocabulary) else {
                return refuse(.textNotFound)
            }
            wanted = count
        }
        let count = sequence.cutPoint(for: wanted)
        let sampler = try loaded.sampler(
            for: sequence.settings.sampling,
            ignoringEndOfGeneration: sequence.request.ignoresEndOfGeneration)
        sequence.rewind(to: count, vocabulary: loaded.vocabulary, matcher: newMatcher(for: sequence.constraint))
        sequence.sampler = sampler
        // The last token stays out of the KV cache and is computed again: its logits are needed to sample the next
        // token.
        let cachedTokenCount = index.map { slots[$0].cachedTokenCount } ?? stateCache.tokenCount(of: sequence.handle)
        let kept = planner.shape.reusable(
            min(cachedTokenCount, sequence.history.count - 1), promptCount: sequence.promptCount)
        if let index { cut(index, to: kept) } else { stateCache.cut(sequence.handle, to: kept) }
        output.add(sequence.handle, .controlled(number, .applied(.rewound, token: count)))
        applyDueCommands(sequence)
    }

    private func status(of sequence: EngineSequence, _ location: Location) -> GenerationReport {
        var status = GenerationReport()
        status.isPaused = sequence.isPaused
        status.promptTokens = sequence.promptCount
        status.cachedTokens = sequence.cachedTokens
        status.predictedTokens = sequence.knownCount
        status.reasoningTokens = sequence.reasoning?.tokenCount ?? 0
        status.reasoningBudget = sequence.settings.reasoningBudget
        status.predictedTime = sequence.timings(now: .now).predictedTime
        switch location {
        case .queue(let position):
            status.position = position
            status.swappedOutTokens = stateCache.tokenCount(of: sequence.handle)
        case .swappedOut: status.swappedOutTokens = stateCache.tokenCount(of: sequence.handle)
        case .slot(let index):
            status.kvCacheTokens = slots[index].cachedTokenCount
            status.promptTokensProcessed = min(slots[index].cachedTokenCount, sequence.promptCount)
            status.phase = .prompt
        }
        if sequence.predictedCount > 0 {
            status.phase = sequence.reasoning?.phase == .reasoning ? .reasoning : .answering
        }
        return status
    }
}
