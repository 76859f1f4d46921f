extension LifecyclePolicy {
    /// Brings the models into agreement with requests, memory and time. Called after each event.
    mutating func settle(_ now: Instant) {
        reopen()
        endDrains(now)
        expireIdleModels(now)
        admitWaiters(now)
        loadWaitingModels(now)
        shrink()
    }

    // MARK: Memory

    /// The memory of all resident models but `excluded`, in upper bounds while workers load and end.
    func committed(excluding excluded: Set<Int> = []) -> MemoryAmount {
        entries.indices.reduce(into: MemoryAmount()) { sum, index in
            if entries[index].isResident, !excluded.contains(index) { sum = sum + entries[index].needs }
        }
    }

    func fits(_ index: Int, without excluded: Set<Int>) -> Bool {
        let count = entries.indices.count { entries[$0].isResident && !excluded.contains($0) }
        guard limits.maximumModelCount == 0 || count < limits.maximumModelCount else { return false }
        return capacity.covers(committed(excluding: excluded) + entries[index].needs)
    }

    /// Whether a load fits if all other models that are not pinned are gone.
    func canEverFit(_ index: Int) -> Bool {
        let movable = Set(entries.indices.filter { !entries[$0].registration.isPinned })
        return fits(index, without: movable.union([index]))
    }

    /// The idle models that may go for another model, least recently used first.
    func evictable(for index: Int) -> [Int] {
        let idle = entries.indices.filter { other in
            guard other != index, entries[other].isIdle, !entries[other].registration.isPinned else { return false }
            return entries[other].phase == .ready
        }
        return idle.sorted { (entries[$0].lastUse, $0) < (entries[$1].lastUse, $1) }
    }

    /// The smallest beginning of `candidates` whose end makes room; `nil` if all of them are not enough.
    func victims(for index: Int, among candidates: [Int], beside ending: Set<Int>) -> [Int]? {
        var chosen: [Int] = []
        for candidate in candidates {
            chosen.append(candidate)
            guard fits(index, without: ending.union(chosen)) else { continue }
            // A model that turns out not to be needed remains.
            return chosen.filter { one in !fits(index, without: ending.union(chosen.filter { $0 != one })) }
        }
        return nil
    }

    // MARK: Loads

    /// The models that need a load, in the order of their oldest request; commands come last.
    private func waitingModels() -> [Int] {
        let waiting = entries.indices.filter { index in
            switch entries[index].phase {
            case .unloaded, .sleeping: !entries[index].waiting.isEmpty || entries[index].isWanted
            default: false
            }
        }
        func order(_ index: Int) -> UInt64 { entries[index].waiting.first?.order ?? .max }
        return waiting.sorted { (order($0), $0) < (order($1), $1) }
    }

    /// Starts loads in order. A model that does not fit yet stops the later ones, so that they do not occupy the room
    /// that it waits for.
    private mutating func loadWaitingModels(_ now: Instant) {
        for index in waitingModels() {
            if let refusal = permanentRefusal(index) {
                entries[index].isWanted = false
                refuseAll(index, refusal)
                continue
            }
            if let victim = entries[index].awaitedVictim {
                if isEnding(victim) { return }
                entries[index].awaitedVictim = nil
            }
            if fits(index, without: []) {
                entries[index].phase = .loading
                entries[index].measured = nil
                entries[index].overtakenCount = 0
                actions.append(.startLoad(ModelNumber(index)))
                continue
            }
            makeRoom(for: index, now)
            return
        }
    }

    /// Ends idle models for a load, or closes busy ones whose requests have overtaken long enough.
    private mutating func makeRoom(for index: Int, _ now: Instant) {
        let ending = Set(entries.indices.filter { isEnding($0) })
        if fits(index, without: ending) { return }
        let idle = evictable(for: index)
        if let chosen = victims(for: index, among: idle, beside: ending) {
            for victim in chosen { order(victim, .stop(ModelNumber(victim), kills: false), .swap) }
            return
        }
        guard mayClose(for: index, now) else { return }
        // The least recently used busy models admit no further request. They end when their generations have ended.
        let busy = entries.indices.filter { other in
            guard other != index, !entries[other].registration.isPinned, !entries[other].isIdle else { return false }
            switch entries[other].phase {
            case .ready: return true
            case .draining(let drain): return !drain.isEnding
            default: return false
            }
        }.sorted {
            (entries[$0].waiting.count, entries[$0].lastUse, $0) < (entries[$1].waiting.count, entries[$1].lastUse, $1)
        }
        let draining = busy.filter { entries[$0].phase != .ready }
        let open = busy.filter { entries[$0].phase == .ready }
        for victim in victims(for: index, among: idle + draining + open, beside: ending) ?? []
        where entries[victim].phase == .ready && !entries[victim].isIdle {
            entries[victim].phase = .draining(Drain(purpose: .swap))
        }
        endDrains(now)
    }

    private func isEnding(_ index: Int) -> Bool {
        if case .draining(let drain) = entries[index].phase { drain.isEnding } else { false }
    }

    /// Whether enough requests, or requests for long enough, have overtaken a waiting model.
    private func mayClose(for index: Int, _ now: Instant) -> Bool {
        guard let first = entries[index].waiting.first else { return true }
        return entries[index].overtakenCount >= limits.maximumOvertakingCount
            || now - first.since >= limits.maximumOvertakingTime
    }

    // MARK: Admission

    /// Ends the drains for swaps; drains that are still needed begin again at the end of settling. In between, no request
    /// that a drain stops is admitted, because `mayOvertake` has the same rule.
    private mutating func reopen() {
        for index in entries.indices {
            if case .draining(let drain) = entries[index].phase, drain.purpose == .swap, !drain.isEnding {
                entries[index].phase = .ready
            }
        }
    }

    /// Admits the waiting requests of loaded models, and counts the models that they overtake.
    private mutating func admitWaiters(_ now: Instant) {
        for index in entries.indices where entries[index].phase == .ready {
            while let waiter = entries[index].waiting.first, mayOvertake(waiter, index, now) {
                entries[index].waiting.removeFirst()
                for other in overtaken(by: waiter, index) { entries[other].overtakenCount += 1 }
                if let keepAlive = waiter.keepAlive { entries[index].keepAlive = keepAlive }
                admit(waiter.request, index, now)
            }
        }
    }

    /// The waiting models whose first request is older than `waiter`.
    private func overtaken(by waiter: Waiter, _ index: Int) -> [Int] {
        waitingModels().filter { other in
            other != index && (entries[other].waiting.first.map { $0.order < waiter.order } ?? false)
        }
    }

    /// Whether the request may run although older requests of other models wait for room.
    private func mayOvertake(_ waiter: Waiter, _ index: Int, _ now: Instant) -> Bool {
        guard !entries[index].registration.isPinned, waiter.order > entries[index].turnEnd else { return true }
        return !overtaken(by: waiter, index).contains { mayClose(for: $0, now) && !fits($0, without: []) }
    }

    // MARK: Time

    /// Ends drained workers, and abandons unloads whose deadline has passed.
    private mutating func endDrains(_ now: Instant) {
        for index in entries.indices {
            guard case .draining(let drain) = entries[index].phase, !drain.isEnding else { continue }
            if entries[index].running.isEmpty {
                order(index, .stop(ModelNumber(index), kills: false), drain.purpose)
            } else if let deadline = drain.deadline, now >= deadline {
                entries[index].phase = .ready
                actions.append(.unloadAbandoned(ModelNumber(index)))
            }
        }
    }

    /// The time at which an idle model is unloaded or sleeps; `nil` = never.
    private func expiry(_ index: Int) -> (at: Instant, purpose: Drain.Purpose)? {
        let entry = entries[index]
        guard entry.phase == .ready, entry.isIdle, !entry.registration.isPinned else { return nil }
        let minimum: Duration = entry.isUnusedSinceCommand ? limits.minimumCommandTime : .zero
        var result: (at: Instant, purpose: Drain.Purpose)?
        if case .idle(let time) = entry.keepAlive ?? entry.registration.keepAlive {
            result = (entry.lastUse + max(time, minimum), .unload)
        }
        guard let time = entry.registration.sleepAfter else { return result }
        let sleepAt = entry.lastUse + max(time, minimum)
        return result.map { sleepAt < $0.at } ?? true ? (sleepAt, .sleep) : result
    }

    private mutating func expireIdleModels(_ now: Instant) {
        for index in entries.indices {
            guard let expiry = expiry(index), now >= expiry.at else { continue }
            order(index, .stop(ModelNumber(index), kills: false), expiry.purpose)
        }
    }

    /// Ends idle models while the resident ones exceed the capacity. A model that uses nothing of a place that is too small
    /// remains.
    private mutating func shrink() {
        for victim in evictable(for: -1) {
            let excess = committed(excluding: Set(entries.indices.filter { isEnding($0) })).less(capacity)
            guard excess.bytes.contains(where: { $0 > 0 }) else { return }
            let helps = zip(excess.bytes, entries[victim].needs.bytes).contains { $0 > 0 && $1 > 0 }
            guard helps else { continue }
            order(victim, .stop(ModelNumber(victim), kills: false), .swap)
        }
    }

    /// The time at which `tick` is due; `nil` = no event depends on time.
    package func nextDeadline(after now: Instant) -> Instant? {
        var times: [Instant] = []
        let isWaiting = !waitingModels().isEmpty
        for index in entries.indices {
            if let expiry = expiry(index) { times.append(expiry.at) }
            if case .draining(let drain) = entries[index].phase, let deadline = drain.deadline {
                times.append(deadline)
            }
            if isWaiting, let first = entries[index].waiting.first {
                times.append(first.since + limits.maximumOvertakingTime)
            }
        }
        return times.filter { $0 > now }.min()
    }
}
