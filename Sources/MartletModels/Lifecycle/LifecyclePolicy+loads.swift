/// The results of loads, and what the policy learns about memory from them.
extension LifecyclePolicy {
    /// The reason of a load that failed for lack of memory, if the environment states none.
    package static let shortageReason = "ran out of memory while it loaded"

    /// The worker serves: the requests so far are admitted when settling.
    mutating func becomeReady(_ index: Int, _ used: MemoryAmount?, _ now: Instant) {
        guard case .loading = entries[index].phase else { return }
        entries[index].phase = .ready
        entries[index].turnEnd = arrivalCount
        entries[index].lastUse = now
        entries[index].isUnusedSinceCommand = entries[index].isWanted
        entries[index].isWanted = false
        entries[index].retryAt = nil
        entries[index].readyAt = now
        entries[index].wasRetriedForMemory = false
        if let used { entries[index].registration.needs = used }
    }

    /// The load, or the worker of a loaded model, has ended for good. The pause before the next load doubles with each
    /// failure in a row; a model that served for long begins a new row.
    mutating func fail(_ index: Int, _ reason: String, _ now: Instant) {
        guard entries[index].isResident else { return }
        if let readyAt = entries[index].readyAt, now - readyAt >= limits.healthyTime { entries[index].failureCount = 0 }
        let count = entries[index].failureCount
        entries[index].readyAt = nil
        entries[index].failureCount = min(count + 1, 30)
        entries[index].retryAt = now + min(limits.retryPause * (1 << min(count, 20)), limits.maximumRetryPause)
        entries[index].phase = .failed(reason)
        entries[index].keepAlive = nil
        entries[index].isWanted = false
        entries[index].wasRetriedForMemory = false
        for request in entries[index].running { modelByRequest[request] = nil }
        entries[index].running = []
        refuseAll(index, .failed(reason))
    }

    // MARK: Memory

    /// A load ran out of memory: the plan learns the true need; one retry follows, for which an idle model makes room.
    mutating func runOutOfMemory(_ index: Int, _ used: MemoryAmount?, _ reason: String, _ now: Instant) {
        guard case .loading = entries[index].phase else { return }
        let planned = entries[index].registration.needs
        let learned = used ?? MemoryAmount(scaling: planned)
        entries[index].registration.needs = learned.covers(planned) ? learned : planned
        let victim = evictable(for: index).first
        guard !entries[index].wasRetriedForMemory, let victim else { return fail(index, reason, now) }
        entries[index].wasRetriedForMemory = true
        entries[index].awaitedVictim = victim
        entries[index].phase = .unloaded
        order(victim, .stop(ModelNumber(victim), kills: false), .swap)
    }

    /// A loaded model ran out of memory, and its worker begins again: the plan learns, and an idle model makes room.
    mutating func runShort(_ index: Int) {
        guard entries[index].isResident else { return }
        let planned = entries[index].registration.needs
        entries[index].registration.needs = raise(planned, to: MemoryAmount(scaling: planned))
        guard let victim = evictable(for: index).first else { return }
        order(victim, .stop(ModelNumber(victim), kills: false), .swap)
    }

    /// A loaded model uses this memory. The policy counts it until the worker ends, if it is more than planned.
    mutating func measure(_ index: Int, _ used: MemoryAmount) {
        guard entries[index].isResident else { return }
        entries[index].measured = raise(entries[index].needs, to: used)
    }

    /// The larger amount of each place. A model that runs is never too large for the capacity, so no place exceeds that.
    private func raise(_ needs: MemoryAmount, to used: MemoryAmount) -> MemoryAmount {
        var raised = needs
        for place in needs.bytes.indices where place < used.bytes.count {
            let limit = place < capacity.bytes.count ? capacity.bytes[place] : 0
            raised.bytes[place] = max(needs.bytes[place], min(used.bytes[place], limit))
        }
        return raised
    }
}

extension MemoryAmount {
    /// An eighth more than an amount that was too small.
    fileprivate init(scaling amount: MemoryAmount) {
        self.init()
        bytes = amount.bytes.map { bytes in
            let (sum, overflow) = bytes.addingReportingOverflow(bytes / 8)
            return overflow ? .max : sum
        }
    }
}
