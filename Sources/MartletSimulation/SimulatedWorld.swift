import MartletGenerations
import MartletProtocol
import MartletStreams
import MartletTestSupport

/// Everything that the actors, processes and faults of one run share.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedWorld: @unchecked Sendable {
    let plan: SimulationPlan
    let scheduler: SimulatedScheduler
    let limits: SimulatedLimits
    let habits: WorkerHabits
    let truth = SimulationTruth()
    /// The journals of other builds.
    var journals = SimulatedJournals()
    /// The model that workers load.
    var model: ModelInformation
    /// The numbers of all models so far.
    private(set) var variants: [UInt64]
    /// The running server; nil while it is down.
    private(set) var edge: SimulatedEdge?
    /// The newest worker.
    weak var worker: SimulatedWorker?
    /// The clients by their number in the plan.
    var clients: [Int: SimulatedClient] = [:]
    /// The files that outlive processes.
    private(set) var disk: SimulatedDisk
    /// Whether faults and new work still begin.
    var hasFaults = true
    private(set) var failure: SimulationFailure?
    /// The situations that the run has met.
    private(set) var reached: Set<SimulationReach> = []
    private(set) var edgeCount = 0
    private var edgeLane: SimulatedLane
    private var random: SimulationRandom
    private var lastPart: UInt64 = 0
    private var powerFailsWithDisk = false
    /// The lines of the story; nil = they are not written.
    private(set) var story: [SimulationStory.Line]?

    init(_ plan: SimulationPlan, writesStory: Bool) {
        self.plan = plan
        scheduler = SimulatedScheduler(seed: plan.seed)
        limits = SimulatedLimits(seed: plan.seed)
        habits = WorkerHabits(seed: plan.seed)
        random = SimulationRandom(seed: plan.seed, part: 4)
        disk = SimulatedDisk(seed: plan.seed)
        edgeLane = scheduler.makeLane("operating system")
        var model = ModelInformation.fake
        model.chatTemplate = nil
        self.model = model
        variants = [model.parameterCount]
        story = writesStory ? [] : nil
    }

    // MARK: Values that a system gives

    /// The calendar's time in seconds since 1970.
    var calendar: Int64 { milliseconds / 1_000 }

    /// The calendar's time in milliseconds since 1970.
    var milliseconds: Int64 { 1_800_000_000_000 + Int64(scheduler.now / 1_000_000) }

    /// A new id of 32 hexadecimal digits.
    func makeID() -> String {
        let (high, low) = (String(random.next(), radix: 16), String(random.next(), radix: 16))
        func padded(_ text: String) -> String { String(repeating: "0", count: 16 - text.utf8.count) + text }
        return padded(high) + padded(low)
    }

    /// Random numbers for the next part that needs some.
    func makeRandom() -> SimulationRandom {
        lastPart += 1
        return SimulationRandom(seed: plan.seed, part: 1 << 32 + lastPart)
    }

    /// The time until the file of a response is written, in milliseconds.
    var storageTime: Int { random.element(of: [0, 1, 1, 20, 100, 600]) }

    // MARK: Processes

    /// Starts a server, unless one runs.
    func startEdge() {
        guard edge == nil else { return }
        edgeCount += 1
        (truth.hasFaultyStart, truth.hasJournalFailed) = (disk.faults.isFaulty, false)
        disk.time = calendar
        if random.chance(1, of: 2) { journals.bringBack(in: self) }
        let made = SimulatedEdge(self, number: edgeCount)
        edge = made
        pass(.start)
        record("edge", "starts as process \(edgeCount)")
        made.start()
    }

    /// The server's process ends at once, and its worker with it. Another one starts some time later.
    func killEdge(losesPower: Bool) {
        guard let edge else { return }
        record("edge", losesPower ? "loses power" : "is killed")
        if losesPower { reach(.powerLoss) }
        disk.crash()
        truth.edgeDied(losesUnsynced: losesPower && limits.durability != .fsync)
        disk = losesPower ? disk.afterPowerLoss(seed: random.next()) : disk.afterProcessDeath(seed: random.next())
        remove(edge)
    }

    /// The server's process has ended by itself.
    func edgeEnded(_ ended: SimulatedEdge) {
        guard edge === ended else { return }
        record("edge", "has ended")
        SimulationChecks.afterShutdown(ended, in: self)
        truth.edgeDied(losesUnsynced: false)
        // A disk keeps its faults; another process opens its files again.
        let faults = disk.faults
        disk = disk.afterProcessDeath(seed: random.next())
        disk.faults = faults
        remove(ended)
    }

    private func remove(_ ended: SimulatedEdge) {
        worker?.kill()
        ended.end()
        edge = nil
        guard hasFaults || failure == nil else { return }
        let pause = UInt64(random.number(1...40)) * 1_000_000
        scheduler.addTimer(at: scheduler.now + pause, on: edgeLane) { [weak self] in self?.startEdge() }
    }

    /// The disk ends the process in the middle of an operation, some operations later.
    func crashSoon(afterOperations count: Int, losesPower: Bool) {
        disk.crash(atOperation: disk.operationCount + count)
        powerFailsWithDisk = losesPower
    }

    /// A moment at which an end of the process does most harm.
    enum Moment: CaseIterable {
        /// A server has made forks, and their journals are not written yet.
        case fork
        /// The same, of a generation with several choices.
        case forkOfChoices
        case deletion
        case start
        /// A generation begins before the model is ready, so that its journal has no request yet.
        case wait
        /// A server continues a generation of an earlier process.
        case resumption
    }
    /// The next moments at which the disk ends the process, one after another.
    var crashMoments: [Moment] = []
    /// Whether a fault waits for a fork, so that clients make more of them.
    var awaitsFork: Bool { crashMoments.first == .fork || crashMoments.first == .forkOfChoices }

    /// The next moment at which the disk hangs until the process dies; nil = none.
    var hangMoment: (moment: Moment, milliseconds: Int)?

    /// The run passes a moment: if a fault has asked for it, the disk ends the process some operations later, or hangs.
    func pass(_ moment: Moment) {
        if let hang = hangMoment, hang.moment == moment {
            hangMoment = nil
            hangAndDie(milliseconds: hang.milliseconds)
        }
        guard moment == crashMoments.first else { return }
        crashMoments.removeFirst()
        record("disk", "ends the server soon, at this moment: \(moment)")
        // The generation that waits has the head of its journal by then.
        if moment == .wait { return die(afterMilliseconds: random.number(1...10)) }
        // The second operation is the first write of a fork's journal, unless the disk has other work.
        let count = moment == .forkOfChoices ? 2 : random.number(1...6)
        crashSoon(afterOperations: count, losesPower: random.chance(1, of: 3))
    }

    /// The disk does nothing, and the process is killed after a time that is shorter than readers wait for a disk.
    func hangAndDie(milliseconds: Int) {
        record("disk", "hangs until the server is killed")
        edge?.storage?.stall(for: 200_000_000)
        die(afterMilliseconds: milliseconds)
    }

    /// The process is killed after a time.
    private func die(afterMilliseconds milliseconds: Int) {
        let end = scheduler.now + UInt64(milliseconds) * 1_000_000
        scheduler.addTimer(at: end, on: scheduler.makeLane("disk")) { [weak self] in
            self?.killEdge(losesPower: false)
        }
    }

    /// Ends the server's process if the disk has ended it.
    func noticeCrash() { if disk.hasCrashed { killEdge(losesPower: powerFailsWithDisk) } }

    /// Another model replaces the file of the model: the next worker loads it.
    func changeModel() {
        model.parameterCount += 1
        model.summary = "model \(variants.count + 1)"
        variants.append(model.parameterCount)
        record("disk", "gets another model")
    }

    /// Changes the faults of the disk. Generations of that time may lose records.
    func setDiskFaults(_ faults: DiskFaults) {
        disk.faults = faults
        truth.isDiskFaulty = faults.isFaulty
        if faults.isFaulty, edge?.recovery.isRecovering == true { truth.hasFaultyStart = true }
        truth.diskFailed()
    }

    /// Whether resumable generations survive the server's process.
    var hasJournal: Bool { edge?.storage != nil }

    /// The run is over: nothing refers to the last process any more.
    func finish() {
        edge?.end()
        edge = nil
        clients = [:]
    }

    // MARK: Results

    /// Records that the run has met a situation.
    func reach(_ situation: SimulationReach) { reached.insert(situation) }

    /// Records that a rule is broken. The first such rule ends the run.
    func fail(_ rule: SimulationRule, _ what: @autoclosure () -> String) {
        guard failure == nil else { return }
        let text = what()
        failure = SimulationFailure(rule: rule, what: text, step: scheduler.stepCount)
        record("rule", "broken: \(rule.rawValue): \(text)")
    }

    /// Adds a line to the story, if there is one.
    func record(_ actor: String, _ event: @autoclosure () -> String) {
        guard story != nil else { return }
        story?.append(
            SimulationStory.Line(
                step: scheduler.stepCount, time: scheduler.now, actor: actor, event: event()))
    }
}

extension DiskFaults {
    /// Whether an operation may fail.
    var isFaulty: Bool { hasRandomErrors || !damagedPaths.isEmpty }

    /// Whether operations of one file fail, and all others work.
    var isOfOneFile: Bool { !hasRandomErrors && !damagedPaths.isEmpty }

    private var hasRandomErrors: Bool {
        shortWrite > 0 || readError > 0 || syncError > 0 || nameError > 0 || capacity < .max
    }
}
