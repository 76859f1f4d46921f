internal import MartletObservability
internal import MartletProtocol
internal import NIOCore

/// What happens under the registry's lock.
extension GenerationRegistry.State {
    /// Makes a generation live, with all its choices.
    mutating func insert(_ spec: GenerationSpec, begin: NIODeadline) -> Generation {
        let generation = Generation(spec, handle: GenerationHandle(rawValue: lastHandle + 1), begin: begin)
        lastHandle += UInt64(spec.choiceCount)
        let series = metrics.index(of: spec.head.model)
        for (choice, handle) in generation.handles.enumerated() {
            live[handle] = LiveGeneration(generation, choice: choice, series: series)
        }
        count(spec.owner) { $0.live += spec.choiceCount }
        if spec.isResumable {
            retentionStore.add(generation)
            recorder?.begin(generation)
        }
        return generation
    }

    /// Writes an input into a log.
    /// - Returns: which generation is to be cancelled for it.
    mutating func apply(
        _ input: GenerationInput, to handle: GenerationHandle, at now: NIODeadline, wakeups: inout Wakeups,
        calendar: () -> Int64
    ) -> GenerationHandle? {
        guard let target = live[handle] else { return nil }
        let input = target.overridden(input)
        // The others of several choices still need their pings.
        if case .engine = input, target.completion != nil { return nil }
        let generation = target.generation
        guard let first = target.choice == 0 ? target : live[generation.handle] else { return nil }
        // An earlier process told how far the prompt was read, in other steps.
        if input.isProgress, generation.log.isBehind { return nil }
        let bytesBefore = first.byteCount
        let wasAdmitted = target.isAdmitted
        if case .engine(let event) = input {
            target.measure(event.kind, at: now, in: &metrics.series[target.series])
        }
        if let number = numberOfEarlyTerminalEvent(input, generation) {
            _ = target.apply(.leap(to: number), at: now, wakeups: &wakeups)
            recorder?.append(.leap(to: number), of: generation, finished: nil)
        }
        var isEnded = target.apply(input, at: now, wakeups: &wakeups)
        if isEnded, generation.spec.choiceCount > 1 {
            isEnded = endChoice(target, with: input, wakeups: &wakeups)
        }
        if isEnded { generation.reach(.ended, at: now) }
        // What one choice has written counts for all.
        first.byteCount = target.byteCount
        guard generation.spec.isResumable else {
            if isEnded {
                remove(generation, wakeups: &wakeups)
                if let end = EndReason(generation.log.terminalEvent) {
                    tombstones.add(generation.spec, end, at: now)
                }
            }
            return nil
        }
        if !first.commands.waiting.isEmpty { commandTargets.append(generation.handle) }
        let growth = first.byteCount - bytesBefore
        if growth != 0 { count(generation.spec.owner) { $0.bytes += growth } }
        let finished = isEnded ? calendar() : nil
        recorder?.append(input, of: generation, finished: finished)
        var superseded: GenerationHandle?
        if target === first, first.isAdmitted, !wasAdmitted {
            superseded = retentionStore.admit(generation)?.handle
        }
        if commitCandidates.last !== generation { commitCandidates.append(generation) }
        if let finished {
            remove(generation, wakeups: &wakeups)
            end(first, at: now, finished: finished)
        } else if input == .handedOver || input == .parted {
            remove(generation, wakeups: &wakeups)
        }
        return superseded
    }

    /// The number of an end that comes before all is there that an earlier process may have told, and does not come
    /// from that.
    private func numberOfEarlyTerminalEvent(_ input: GenerationInput, _ generation: Generation) -> Int? {
        guard case .engine(let event) = input, event.isForced else { return nil }
        return generation.log.firstFreeNumber
    }

    /// One of several choices is over: with the last one, or when it failed, all are.
    /// - Returns: whether all are.
    mutating func endChoice(
        _ choice: LiveGeneration, with input: GenerationInput, wakeups: inout Wakeups
    ) -> Bool {
        let generation = choice.generation
        let handles = generation.handles
        guard case .engine(let event) = input, case .finished(let completion, _) = event.kind else {
            // The log has its end already; the others write for nobody.
            orphans += handles.filter { handle in
                live[handle].map { $0 !== choice && $0.completion == nil } ?? false
            }
            return true
        }
        choice.completion = completion
        let completions = handles.compactMap { (live[$0] ?? restoring[$0])?.completion }
        guard completions.count == handles.count else { return false }
        let sum = GenerationSummary(sumOf: completions, perPrompt: generation.spec.choicesPerPrompt)
        choice.byteCount = generation.log.append(to: &wakeups) { $0(.finished(sum)) }.byteCount
        return true
    }

    /// The generation is no longer live: nothing more becomes of the orders to it, whichever of its choices was the
    /// last.
    mutating func remove(_ generation: Generation, wakeups: inout Wakeups) {
        for handle in generation.handles {
            live[handle]?.resolveCommands(with: .ended(generation.log.terminalEvent), wakeups: &wakeups)
            live[handle] = nil
        }
        count(generation.spec.owner) { $0.live -= generation.spec.choiceCount }
    }

    /// Keeps a resumable generation that has ended, unless the engine refused it before anybody knew of it.
    mutating func end(_ ended: LiveGeneration, at now: NIODeadline, finished: Int64) {
        let generation = ended.generation
        if let refusal = generation.log.refusal(ofChoices: generation.spec.choiceCount), refusal.isOfTheRequest {
            retentionStore.refuse(generation)
            guard ended.hasPublishedID else {
                retentionStore.remove(generation)
                count(generation.spec.owner) { $0.bytes -= ended.byteCount }
                recorder?.remove(generation)
                return
            }
        } else {
            _ = retentionStore.admit(generation)
        }
        retentionStore.end(generation, at: now, finished: finished, byteCount: ended.byteCount)
        count(generation.spec.owner) { $0.retained += 1 }
    }

    // MARK: Room

    /// Lets go what has been kept long enough.
    mutating func sweep(at now: NIODeadline, _ retention: GenerationRegistry.Retention) {
        tombstones.sweep(at: now)
        while let (generation, time) = retentionStore.oldestEnded(), time + retention.time <= now { evict(generation) }
    }

    /// Lets go what is more than may be kept, the oldest first.
    mutating func trim(_ quota: GenerationQuota) {
        while totalUsage.retained > quota.retained || totalUsage.bytes > quota.bytes,
            let (generation, _) = retentionStore.oldestEnded()
        {
            evict(generation)
        }
        guard quota.retainedPerOwner < .max || quota.bytesPerOwner < .max else { return }
        for (owner, usage) in usage
        where owner != .open && (usage.retained > quota.retainedPerOwner || usage.bytes > quota.bytesPerOwner) {
            while let own = self.usage[owner],
                own.retained > quota.retainedPerOwner || own.bytes > quota.bytesPerOwner,
                let (generation, _) = retentionStore.oldestEnded(of: owner)
            {
                evict(generation)
            }
        }
    }

    /// Lets go of the oldest that has ended, as long as bytes are lacking for one more.
    mutating func makeRoom(for owner: Owner, _ quota: GenerationQuota) {
        while totalUsage.bytes >= quota.bytes, let (generation, _) = retentionStore.oldestEnded() { evict(generation) }
        guard owner != .open else { return }
        while usage[owner]?.bytes ?? 0 >= quota.bytesPerOwner,
            let (generation, _) = retentionStore.oldestEnded(of: owner)
        {
            evict(generation)
        }
    }

    private mutating func evict(_ generation: Generation) {
        removeEnded(generation)
        recorder?.remove(generation)
    }

    /// Removes an ended generation from memory, unless it is removed already.
    mutating func removeEnded(_ generation: Generation) {
        guard let byteCount = retentionStore.remove(generation) else { return }
        count(generation.spec.owner) { usage in
            usage.retained -= 1
            usage.bytes -= byteCount
        }
    }

    mutating func count(_ owner: Owner, _ change: (inout GenerationQuota.Usage) -> Void) {
        change(&totalUsage)
        change(&usage[owner, default: .init()])
        if usage[owner]?.isEmpty == true { usage[owner] = nil }
    }
}

extension GenerationInput {
    fileprivate var isProgress: Bool {
        if case .engine(let event) = self, case .promptProgress = event.kind { true } else { false }
    }
}

extension EngineEvent {
    /// Whether it is an end that does not follow from what was written before.
    fileprivate var isForced: Bool {
        switch kind {
        case .failed: true
        case .finished(let completion, _):
            switch completion.reason {
            case .timeLimit, .cancelled, .stopped: true
            case .endOfGeneration, .stopText, .tokenLimit, .contextFull, .indentation: false
            }
        default: false
        }
    }
}

extension EngineError {
    /// Whether it says that the request was not taken, rather than that something happened to it.
    fileprivate var isOfTheRequest: Bool {
        switch code {
        case .invalidRequest, .contextExceeded, .overloaded, .loadFailed: true
        case .generationFailed, .engineLost, .shuttingDown, .abandoned: false
        }
    }
}
