internal import MartletProtocol
internal import NIOCore

/// Changes of the registry's maps. Every method is called with the registry's lock held, and takes no other lock but a
/// log's.
extension GenerationRegistry.State {
    /// Removes all handles of a generation that ended or was handed over.
    mutating func removeLive(_ generation: Generation, wakeups: inout Wakeups) {
        for handle in generation.handles { live[handle] = nil }
        count(generation.spec.owner) { $0.live -= generation.spec.choiceCount }
        guard live.isEmpty, !idleWaiters.isEmpty else { return }
        wakeups.waiters += idleWaiters
        idleWaiters = []
    }

    /// Retains a resumable generation that has ended, unless the engine refused it before its client knew its id.
    ///
    /// The end of a generation that was not admitted, such as a cancellation while its model loads, moves the label as an
    /// admission does.
    /// - Returns: the older generation of the label that runs and must be cancelled; nil = there is none.
    mutating func retain(
        _ generation: Generation, isPublished: Bool, byteCount: Int, at now: NIODeadline, finished: Int64
    ) -> Generation? {
        var superseded: Generation?
        if let refusal = generation.log.refusal(ofChoices: generation.spec.choiceCount), refusal.isOfTheRequest {
            retentionStore.refuse(generation)
            guard isPublished else {
                retentionStore.remove(generation)
                count(generation.spec.owner) { $0.bytes -= byteCount }
                recorder?.remove(generation)
                return nil
            }
        } else {
            superseded = retentionStore.admit(generation)
        }
        retentionStore.end(generation, at: now, finished: finished, byteCount: byteCount)
        count(generation.spec.owner) { $0.retained += 1 }
        guard let superseded, live[superseded.handle] != nil else { return nil }
        return superseded
    }

    // MARK: Room

    /// Evicts generations and tombstones whose time of retention has passed.
    mutating func sweep(at now: NIODeadline, _ retention: GenerationRegistry.Retention) {
        tombstones.sweep(at: now)
        while let (generation, time) = retentionStore.oldestEnded(), time + retention.time <= now { evict(generation) }
    }

    /// Evicts retained generations until the quota is met, the oldest first.
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

    /// Evicts retained generations, the oldest first, until the quota has bytes for a new generation.
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

    /// Changes the counts of an owner and the total counts alike.
    mutating func count(_ owner: Owner, _ change: (inout GenerationQuota.Usage) -> Void) {
        change(&totalUsage)
        change(&usage[owner, default: .init()])
        if usage[owner]?.isEmpty == true { usage[owner] = nil }
    }
}

extension EngineError {
    /// Whether the error refuses the request, and does not report a failure during the run.
    fileprivate var isOfTheRequest: Bool {
        switch code {
        case .invalidRequest, .contextExceeded, .overloaded, .loadFailed: true
        case .generationFailed, .engineLost, .shuttingDown, .abandoned, .outOfMemory: false
        }
    }
}
