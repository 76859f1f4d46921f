import Llama
import MartletGrammar
import MartletProtocol

/// Where a generation is.
private enum Place {
    case slot(Int)
    case queue(position: Int)
    case parked(Int)
}

extension EngineLoop {
    /// Takes up an order. One to a generation that has ended was answered by its end.
    func obey(_ action: ControlAction, _ number: ControlNumber, _ handle: GenerationHandle) {
        guard let (generation, place) = find(handle) else { return }
        func answer(_ effect: ControlEffect) {
            output.add(handle, .controlled(number, .applied(effect, token: generation.knownCount)))
        }
        func refuse(_ refusal: ControlRefusal) { output.add(handle, .controlled(number, .refused(refusal))) }

        switch action {
        case .stop(let reason):
            answer(.stopped(reason: reason))
            end(handle, .stopped(reason))
        case .pause:
            guard !generation.isPaused else { return refuse(.alreadyPaused) }
            // Earlier orders that wait for a sequence come first.
            if case .queue = place, !generation.mustReplay, queue.remove(id: handle.rawValue) != nil {
                parked.append(generation)
                obeyWaiting(generation)
                guard find(handle) != nil else { return }
            }
            generation.pause(at: .now)
            answer(.paused)
        case .resume:
            guard generation.isPaused else { return refuse(.notPaused) }
            generation.resume(at: .now)
            if case .parked(let index) = place {
                queue.prepend(parked.remove(at: index), id: handle.rawValue)
            }
            answer(.resumed)
        case .set(let change):
            // New values hold behind what an earlier run has written.
            guard !generation.isReplaying else { return keep(action, number, generation, place) }
            set(change, number, generation)
        case .status:
            output.add(handle, .controlled(number, .status(status(of: generation, place))))
        case .endReasoning, .inject, .rewind, .fork:
            guard generation.hasBegun else { return refuse(.notStarted) }
            var sequence: Int?
            switch place {
            case .slot(let index): sequence = index
            // A paused generation obeys by its tokens alone: what its sequence held comes back when it is resumed.
            case .parked: break
            // A preempted or continued generation gets a sequence as soon as there is one, and then obeys.
            case .queue: return keep(action, number, generation, place)
            }
            guard !generation.isReplaying else { return keep(action, number, generation, place) }
            do throws(EngineError) {
                try change(sequence, generation, action, number)
            } catch {
                refuse(.invalid(error.message))
            }
        }
    }

    /// Keeps an order until the generation has a sequence, and has drawn again what is to be drawn again.
    private func keep(_ action: ControlAction, _ number: ControlNumber, _ generation: Generation, _ place: Place) {
        generation.orders.waiting.append((number, action))
        // Paused or not, it draws these again now: the order would wait for as long as the pause.
        if case .parked(let index) = place { queue.prepend(parked.remove(at: index), id: generation.handle.rawValue) }
    }

    /// Takes up the orders that came while a generation had no sequence.
    func obeyWaiting(_ generation: Generation) {
        guard !generation.orders.waiting.isEmpty else { return }
        let waiting = generation.orders.waiting
        generation.orders.waiting = []
        for order in waiting { obey(order.action, order.number, generation.handle) }
    }

    private func find(_ handle: GenerationHandle) -> (Generation, Place)? {
        for slot in slots {
            if let generation = slot.generation, generation.handle == handle { return (generation, .slot(slot.index)) }
        }
        if let (position, generation) = queue.find(id: handle.rawValue) {
            return (generation, .queue(position: position))
        }
        if let index = parked.firstIndex(where: { $0.handle == handle }) { return (parked[index], .parked(index)) }
        return nil
    }

    private func set(_ change: SettingsChange, _ number: ControlNumber, _ generation: Generation) {
        var old = generation.settings
        if change.keys.contains(.reasoningBudget), generation.reasoning == nil {
            output.add(generation.handle, .controlled(number, .refused(.noReasoningMarkers)))
            return
        }
        var change = change
        do throws(EngineError) {
            let constraint = try newConstraint(in: &change, for: generation)
            var new = old
            new.apply(change)
            // It can be large, and nobody asks for it.
            if !change.keys.contains(.constraint) { old.constraint = nil }
            if new.sampling != old.sampling {
                generation.sampler = try loaded.sampler(
                    for: new.sampling, ignoringEndOfGeneration: generation.request.ignoresEndOfGeneration)
            }
            generation.change(change)
            if change.keys.contains(.constraint) { generation.constrain(to: constraint, newMatcher(for: constraint)) }
        } catch {
            output.add(generation.handle, .controlled(number, .refused(.invalid(error.message))))
            return
        }
        output.add(
            generation.handle,
            .controlled(number, .applied(.changed(change, old: old), token: generation.predicted)))
        // A smaller budget may be used up already.
        if generation.hasBegun { steer(generation) }
    }

    /// Lets the grammar of a change, if it has one, hold from the next token on, but not for thinking that is still to come.
    private func newConstraint(
        in change: inout SettingsChange, for generation: Generation
    ) throws(EngineError) -> CompiledConstraint? {
        guard change.keys.contains(.constraint) else { return nil }
        change.values.constraintStart = generation.newConstraintStart(in: loaded.vocabulary)
        guard let wanted = change.values.constraint else { return nil }
        guard generation.orders.injections.isEmpty else {
            throw EngineError(
                .invalidRequest, "Field 'changes.grammar': Injections wait for their moment, which no grammar allows")
        }
        if let reasoning = generation.reasoning, let rule = generation.request.reasoning?.rule,
            reasoning.phase != .answering
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

    /// Orders that concern the tokens of a generation.
    ///
    /// - Parameter index: its sequence; `nil` = it is paused and has none.
    private func change(
        _ index: Int?, _ generation: Generation, _ action: ControlAction, _ number: ControlNumber
    ) throws(EngineError) {
        func refuse(_ refusal: ControlRefusal) {
            output.add(generation.handle, .controlled(number, .refused(refusal)))
        }
        switch action {
        case .endReasoning(let message):
            guard let reasoning = generation.reasoning else { return refuse(.noReasoningMarkers) }
            switch reasoning.phase {
            case .notBegun: return refuse(.notReasoning)
            case .answering: return refuse(.alreadyAnswering)
            case .reasoning: break
            }
            let tokens = try message.map { text throws(EngineError) in try loaded.tokenizer.tokens(ofMessage: text) }
            generation.orders.reasoningEnds.append(.init(number: number, message: tokens))
            steer(generation)
        case .inject(let injection):
            guard generation.matcher == nil else { return refuse(.constrained) }
            let tokens = try loaded.tokenizer.tokens(of: injection.content)
            guard generation.orders.injections.count < PendingOrders.injectionLimit else {
                return refuse(.tooManyInjections(limit: PendingOrders.injectionLimit))
            }
            generation.orders.injections.append(
                .init(number: number, tokens: tokens, moment: injection.moment, opensTurn: injection.opensTurn))
            steer(generation)
        case .rewind(let target): try rewind(index, generation, to: target, number)
        case .fork(let forks): try fork(index, generation, forks, number)
        case .stop, .pause, .resume, .set, .status: break
        }
    }

    private func rewind(
        _ index: Int?, _ generation: Generation, to target: RewindTarget, _ number: ControlNumber
    ) throws(EngineError) {
        func refuse(_ refusal: ControlRefusal) {
            output.add(generation.handle, .controlled(number, .refused(refusal)))
        }
        guard !generation.isTruncated else { return refuse(.truncated) }
        let wanted: Int
        switch target {
        case .token(let count):
            guard count >= 0, count <= generation.predicted else {
                return refuse(.beyondEnd(tokens: generation.predicted))
            }
            wanted = count
        case .text(let text):
            guard !text.isEmpty, let count = generation.tokenCount(behind: text, in: loaded.vocabulary) else {
                return refuse(.textNotFound)
            }
            wanted = count
        }
        let count = generation.cutPoint(for: wanted)
        let sampler = try loaded.sampler(
            for: generation.settings.sampling,
            ignoringEndOfGeneration: generation.request.ignoresEndOfGeneration)
        generation.rewind(to: count, vocabulary: loaded.vocabulary, matcher: newMatcher(for: generation.constraint))
        generation.sampler = sampler
        // The last token is computed again: its scores choose the next one.
        let memoryCount = index.map { slots[$0].memoryCount } ?? shelf.tokenCount(of: generation.handle)
        let kept = planner.shape.reusable(
            min(memoryCount, generation.history.count - 1), promptCount: generation.promptCount)
        if let index { cut(index, to: kept) } else { shelf.cut(generation.handle, to: kept) }
        output.add(generation.handle, .controlled(number, .applied(.rewound, token: count)))
        steer(generation)
    }

    private func status(of generation: Generation, _ place: Place) -> GenerationReport {
        var status = GenerationReport()
        status.isPaused = generation.isPaused
        status.promptTokens = generation.promptCount
        status.cachedTokens = generation.cachedTokens
        status.predictedTokens = generation.knownCount
        status.reasoningTokens = generation.reasoning?.tokenCount ?? 0
        status.reasoningBudget = generation.settings.reasoningBudget
        status.predictedTime = generation.timings(now: .now).predictedTime
        switch place {
        case .queue(let position):
            status.position = position
            status.shelvedTokens = shelf.tokenCount(of: generation.handle)
        case .parked: status.shelvedTokens = shelf.tokenCount(of: generation.handle)
        case .slot(let index):
            status.memoryTokens = slots[index].memoryCount
            status.promptTokensProcessed = min(slots[index].memoryCount, generation.promptCount)
            status.phase = .prompt
        }
        if generation.predicted > 0 {
            status.phase = generation.reasoning?.phase == .reasoning ? .reasoning : .answering
        }
        return status
    }
}
