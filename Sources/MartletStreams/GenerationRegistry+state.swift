internal import MartletObservability
internal import MartletProtocol
internal import NIOCore

/// What happens under the registry's lock.
extension GenerationRegistry.State {
    /// Makes a generation live.
    mutating func insert(_ terms: GenerationTerms, begin: NIODeadline, isRestored: Bool = false) -> Generation {
        lastHandle += 1
        let generation = Generation(
            terms, handle: GenerationHandle(rawValue: lastHandle), begin: begin, isRestored: isRestored)
        live[generation.handle] = LiveGeneration(generation, series: metrics.index(of: terms.head.model))
        count(terms.owner) { $0.live += 1 }
        if terms.isResumable {
            shelf.add(generation)
            recorder?.begin(generation)
        }
        return generation
    }

    /// Writes an input into a log.
    /// - Parameter isNew: whether it counts in the metrics.
    /// - Returns: which generation is to be cancelled for it.
    mutating func take(
        _ input: GenerationInput, for handle: GenerationHandle, at now: NIODeadline, isNew: Bool = true,
        wakeups: inout Wakeups, calendar: () -> Int64
    ) -> GenerationHandle? {
        guard let index = live.index(forKey: handle) else { return nil }
        let generation = live.values[index].generation
        let bytesBefore = live.values[index].byteCount
        let wasAdmitted = live.values[index].isAdmitted
        if isNew, case .engine(let event) = input {
            live.values[index].measure(event.kind, at: now, in: &metrics.series[live.values[index].series])
        }
        let isEnded = live.values[index].take(
            input, forks: forks(in: input), at: now, isNew: isNew, wakeups: &wakeups)
        guard generation.terms.isResumable else {
            if isEnded { remove(at: index) }
            return nil
        }
        let ended = live.values[index]
        if ended.byteCount != bytesBefore {
            count(generation.terms.owner) { $0.bytes += ended.byteCount - bytesBefore }
        }
        let finished = isEnded ? calendar() : nil
        recorder?.take(input, of: generation, finished: finished)
        var superseded: GenerationHandle?
        if ended.isAdmitted, !wasAdmitted { superseded = shelf.admit(generation)?.handle }
        if let finished {
            remove(at: index)
            end(ended, at: now, finished: finished)
        } else if isNew, input == .handedOver {
            remove(at: index)
        }
        return superseded
    }

    /// The ids of what a fork made.
    private func forks(in input: GenerationInput) -> [String] {
        guard case .engine(let event) = input, case .controlled(_, .applied(.forked(let handles), _)) = event.kind
        else {
            return []
        }
        return handles.compactMap { live[$0]?.generation.terms.responseID }
    }

    private mutating func remove(at index: Dictionary<GenerationHandle, LiveGeneration>.Index) {
        let owner = live.remove(at: index).value.generation.terms.owner
        count(owner) { $0.live -= 1 }
    }

    /// Keeps a resumable generation that has ended, unless the engine refused it before anybody knew of it.
    private mutating func end(_ ended: LiveGeneration, at now: NIODeadline, finished: Int64) {
        let generation = ended.generation
        if let refusal = generation.log.refusal, refusal.isOfTheRequest {
            shelf.refuse(generation)
            guard ended.isAnnounced else {
                shelf.remove(generation)
                count(generation.terms.owner) { $0.bytes -= ended.byteCount }
                recorder?.forget(generation)
                return
            }
        } else {
            _ = shelf.admit(generation)
        }
        shelf.end(generation, at: now, finished: finished, byteCount: ended.byteCount)
        count(generation.terms.owner) { $0.retained += 1 }
    }

    // MARK: Room

    /// Lets go what has been kept long enough.
    mutating func sweep(at now: NIODeadline, _ retention: GenerationRegistry.Retention) {
        while let (generation, time) = shelf.oldestEnded(), time + retention.time <= now { forget(generation) }
    }

    /// Lets go what is more than may be kept, the oldest first.
    mutating func trim(_ quota: GenerationQuota) {
        while totalUsage.retained > quota.retained || totalUsage.bytes > quota.bytes,
            let (generation, _) = shelf.oldestEnded()
        {
            forget(generation)
        }
        guard quota.retainedPerOwner < .max || quota.bytesPerOwner < .max else { return }
        for (owner, usage) in usage
        where owner != .open && (usage.retained > quota.retainedPerOwner || usage.bytes > quota.bytesPerOwner) {
            while let own = self.usage[owner],
                own.retained > quota.retainedPerOwner || own.bytes > quota.bytesPerOwner,
                let (generation, _) = shelf.oldestEnded(of: owner)
            {
                forget(generation)
            }
        }
    }

    /// Lets go of the oldest that has ended, as long as bytes are lacking for one more.
    mutating func makeRoom(for owner: Owner, _ quota: GenerationQuota) {
        while totalUsage.bytes >= quota.bytes, let (generation, _) = shelf.oldestEnded() { forget(generation) }
        guard owner != .open else { return }
        while usage[owner]?.bytes ?? 0 >= quota.bytesPerOwner, let (generation, _) = shelf.oldestEnded(of: owner) {
            forget(generation)
        }
    }

    private mutating func forget(_ generation: Generation) {
        let byteCount = shelf.remove(generation) ?? 0
        count(generation.terms.owner) { usage in
            usage.retained -= 1
            usage.bytes -= byteCount
        }
        recorder?.forget(generation)
    }

    private mutating func count(_ owner: Owner, _ change: (inout GenerationQuota.Usage) -> Void) {
        change(&totalUsage)
        change(&usage[owner, default: .init()])
        if usage[owner]?.isEmpty == true { usage[owner] = nil }
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
