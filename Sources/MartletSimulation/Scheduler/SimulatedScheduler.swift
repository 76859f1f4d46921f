/// All ready steps of a simulation, and the clock. The seed decides which step runs next.
///
/// Nothing of a simulation runs but a step that the scheduler has chosen, so equal seeds give equal runs. A step takes
/// some microseconds of the virtual clock; when no step is ready, the clock moves to the next timer.
///
/// `@unchecked Sendable`: one thread uses a scheduler and everything that its steps reach. Production code demands the
/// conformance of clocks and event loops because it runs on several threads otherwise.
package final class SimulatedScheduler: @unchecked Sendable {
    /// The virtual time in nanoseconds.
    package private(set) var now: UInt64 = 1_000_000_000
    /// The number of steps that have run.
    package private(set) var stepCount = 0
    /// A function of the whole schedule so far: equal for equal runs.
    package private(set) var digest: UInt64 = 0
    /// The lane whose step runs now.
    package private(set) var current: SimulatedLane?
    /// The lane that receives the jobs of Swift tasks; nil when no process runs any.
    package var taskLane: SimulatedLane?

    private var random: SimulationRandom
    private var ready: [SimulatedLane] = []
    private var timers: [SimulatedTimer] = []
    private var lastTimer: UInt64 = 0
    private var lastLane: UInt64 = 0
    /// Steps of processes that are gone, which never run. They are freed with the scheduler, so that no object ends in
    /// the middle of a run because of them.
    private var abandoned: [SimulatedLane.Step] = []
    /// The longest duration of a usual step, in nanoseconds.
    private let longestStep: Int

    /// The time after which a ready lane is not passed over any more, in nanoseconds: threads are not starved forever.
    private static let patience: UInt64 = 40_000_000

    /// Makes a scheduler whose choices follow from a seed.
    package init(seed: UInt64) {
        random = SimulationRandom(seed: seed, part: 0)
        longestStep = 2_000 << random.below(5)
    }

    #if DEBUG
        /// A debug build of SwiftNIO traps when a promise is freed without a result. A process that is gone completes
        /// nothing, so its steps and their promises are kept for ever.
        deinit { _ = Unmanaged.passRetained(abandoned as AnyObject) }
    #endif

    // MARK: Lanes

    /// Makes a lane with a random weight, so that some runs nearly starve some threads.
    package func makeLane(_ name: String, isOrdered: Bool = true) -> SimulatedLane {
        lastLane += 1
        return SimulatedLane(name: name, isOrdered: isOrdered, weight: 1 << random.below(5), number: lastLane)
    }

    /// Adds a step at the end of a lane. A dead lane ignores it.
    package func add(to lane: SimulatedLane, _ step: @escaping () -> Void) {
        guard !lane.isDead else { return abandoned.append(step) }
        lane.steps.append(step)
        makeReady(lane)
    }

    /// Removes all steps of a lane whose process is gone.
    package func end(_ lane: SimulatedLane) {
        lane.isDead = true
        abandoned += lane.steps[lane.first...]
        lane.steps = []
        lane.first = 0
        removeReady(lane)
    }

    /// Lets no step of a lane run for a duration in nanoseconds.
    package func stall(_ lane: SimulatedLane, for duration: UInt64) {
        guard !lane.isStalled else { return }
        lane.isStalled = true
        removeReady(lane)
        let clock = SimulatedLane(name: "clock", isOrdered: true, weight: 16, number: 0)
        addTimer(at: now + duration, on: clock) { [self] in
            lane.isStalled = false
            if lane.count > 0 { makeReady(lane) }
        }
    }

    private func makeReady(_ lane: SimulatedLane) {
        guard lane.readyIndex == nil, !lane.isStalled else { return }
        lane.readyIndex = ready.count
        lane.readySince = now
        ready.append(lane)
    }

    private func removeReady(_ lane: SimulatedLane) {
        guard let index = lane.readyIndex else { return }
        lane.readyIndex = nil
        let last = ready.removeLast()
        guard last !== lane else { return }
        ready[index] = last
        last.readyIndex = index
    }

    // MARK: Time

    /// Adds a step to a lane at a time.
    /// - Parameters:
    ///   - deadline: the virtual time in nanoseconds; a time in the past counts as now.
    ///   - isPermanent: whether the timer is no trace of unfinished work.
    @discardableResult
    package func addTimer(
        at deadline: UInt64, on lane: SimulatedLane, isPermanent: Bool = false, _ step: @escaping () -> Void
    ) -> SimulatedTimer {
        lastTimer += 1
        let timer = SimulatedTimer(
            deadline: deadline, sequence: lastTimer, lane: lane, isPermanent: isPermanent, step: step)
        timers.append(timer)
        var child = timers.count - 1
        while child > 0, timer.isBefore(timers[(child - 1) / 2]) {
            timers.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        return timer
    }

    /// The pending timers of some lanes that are traces of unfinished work.
    package func pendingTimerCount(on lanes: [SimulatedLane]) -> Int {
        timers.count { timer in timer.isPending && !timer.isPermanent && lanes.contains { $0 === timer.lane } }
    }

    private func removeFirstTimer() -> SimulatedTimer {
        timers.swapAt(0, timers.count - 1)
        let timer = timers.removeLast()
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < timers.count else { return timer }
            if child + 1 < timers.count, timers[child + 1].isBefore(timers[child]) { child += 1 }
            guard timers[child].isBefore(timers[parent]) else { return timer }
            timers.swapAt(parent, child)
            parent = child
        }
    }

    /// Adds the steps of all timers whose time has come.
    private func fireTimers() {
        while let timer = timers.first, timer.deadline <= now || !timer.isPending {
            let timer = removeFirstTimer()
            if let step = timer.step, !timer.lane.isDead { add(to: timer.lane, step) }
            timer.step = nil
        }
    }

    // MARK: Steps

    /// Runs one step.
    /// - Returns: `false` = there is neither a step nor a timer.
    package func runStep() -> Bool {
        fireTimers()
        while ready.isEmpty {
            guard let timer = timers.first else { return false }
            now = max(now, timer.deadline)
            fireTimers()
        }
        let lane = chosenLane()
        let step = removeStep(of: lane)
        now += duration()
        stepCount += 1
        digest = SimulationRandom.mix(digest ^ lane.number ^ (now << 8))
        current = lane
        step()
        current = nil
        return true
    }

    /// A ready lane: one that waits for too long, or a random one by the weights.
    private func chosenLane() -> SimulatedLane {
        var total = 0
        for lane in ready {
            if now - lane.readySince > Self.patience { return lane }
            total += lane.weight
        }
        var rest = random.below(total)
        for lane in ready {
            rest -= lane.weight
            if rest < 0 { return lane }
        }
        return ready[0]
    }

    private func removeStep(of lane: SimulatedLane) -> SimulatedLane.Step {
        let step: SimulatedLane.Step
        if lane.isOrdered {
            step = lane.steps[lane.first]
            lane.steps[lane.first] = {}
            lane.first += 1
            if lane.first == lane.steps.count {
                lane.steps.removeAll(keepingCapacity: true)
                lane.first = 0
            }
        } else {
            let index = random.below(lane.steps.count)
            lane.steps.swapAt(index, lane.steps.count - 1)
            step = lane.steps.removeLast()
        }
        lane.readySince = now
        if lane.count == 0 { removeReady(lane) }
        return step
    }

    /// The virtual duration of a step: usually microseconds, seldom a millisecond.
    private func duration() -> UInt64 {
        let bits = random.next()
        if bits & 63 == 0 { return 50_000 + (bits >> 8) % 1_500_000 }
        return 500 + (bits >> 8) % UInt64(longestStep)
    }
}

extension SimulatedTimer {
    fileprivate func isBefore(_ other: SimulatedTimer) -> Bool {
        (deadline, sequence) < (other.deadline, other.sequence)
    }
}
