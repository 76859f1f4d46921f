import MartletProtocol

extension EngineLoop {
    /// Makes generations that begin with what this one has.
    ///
    /// - Parameter index: the original's sequence; `nil` = it is paused and has none.
    func fork(
        _ index: Int?, _ original: Generation, _ forks: [ForkedGeneration], _ number: ControlNumber
    ) throws(EngineError) {
        func refuse(_ refusal: ControlRefusal) {
            output.add(original.handle, .controlled(number, .refused(refusal)))
        }
        guard original.predicted > 0 else { return refuse(.notStarted) }
        // Paused ones give way, if that is enough.
        if queue.count == 0, slots.count(where: { $0.index != index && !$0.isBusy }) >= forks.count {
            while slots.count(where: { $0.generation == nil }) < forks.count, parkOne(but: index) {}
        }
        let idleCount = slots.count { $0.generation == nil }
        guard idleCount >= forks.count, queue.count == 0 else {
            return refuse(.noFreeSequence(idle: queue.count > 0 ? 0 : idleCount))
        }
        var made: [Generation] = []
        for fork in forks {
            guard let generation = try copy(of: original, as: fork) else { return refuse(.noReasoningMarkers) }
            made.append(generation)
        }
        output.add(
            original.handle,
            .controlled(number, .applied(.forked(forks.map(\.handle)), token: original.predicted)))
        for generation in made {
            if let index { begin(generation, besides: index) } else { begin(generation, besides: original) }
        }
    }

    /// - Returns: `nil` = its changes concern thinking, whose markers are not known.
    private func copy(of original: Generation, as fork: ForkedGeneration) throws(EngineError) -> Generation? {
        if fork.changes.keys.contains(.reasoningBudget), original.reasoning == nil { return nil }
        arrivals += 1
        let generation = Generation(
            forking: original, handle: fork.handle, arrival: arrivals, at: .now,
            matcher: newMatcher(for: original.constraint))
        generation.change(fork.changes)
        if generation.settings.sampling != original.settings.sampling {
            generation.sampler = try loaded.sampler(
                for: generation.settings.sampling,
                ignoringEndOfGeneration: original.request.ignoresEndOfGeneration)
        }
        return generation
    }

    /// Gives a fork a sequence that shares the memory of the original's.
    private func begin(_ generation: Generation, besides source: Int) {
        // Empty sequences first, then those whose memory is least likely to be of use.
        let idle = slots.filter { $0.generation == nil }
            .min { ($0.memoryCount > 0 ? 1 : 0, $0.lastUsed) < ($1.memoryCount > 0 ? 1 : 0, $1.lastUsed) }
        guard let index = idle?.index else { return }
        copy(from: source, to: index)
        slots[index].adapters = slots[source].adapters
        slots[index].generation = generation
        slots[index].lastUsed = turn
        introduce(generation, in: index)
    }

    /// Gives a fork a sequence with what is kept of the original's; the rest is computed again.
    private func begin(_ generation: Generation, besides original: Generation) {
        shelf.share(original.handle, with: generation.handle)
        guard let choice = choose(for: generation, slot: nil) else { return }
        assign(generation, to: choice)
        introduce(generation, in: choice.index)
    }

    /// Tells a fork's readers what the original's were told.
    private func introduce(_ generation: Generation, in index: Int) {
        output.add(generation.handle, .admitted(promptTokens: generation.promptCount))
        output.add(generation.handle, .started(slot: index, cachedTokens: generation.promptCount))
        for token in 0..<generation.predicted {
            let start = output.bytes.count
            output.bytes += generation.record.text(of: token)
            let known = generation.record.probabilities[token].map { [$0] } ?? []
            output.addToken(
                generation.handle, generation.record.token(token), textFrom: start, known)
        }
        steer(generation)
    }
}
