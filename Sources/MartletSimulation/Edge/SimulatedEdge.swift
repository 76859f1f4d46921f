import Logging
import MartletGenerations
import MartletProtocol
import MartletStreams
import MartletWorkers
import NIOCore

/// One server process: the real core and supervisor between simulated clients, disk and worker.
///
/// It makes the parts in the order of `EdgeServer`, and ends them in the order of its service group.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedEdge: @unchecked Sendable {
    enum Phase: Equatable {
        /// The journals of the process before are being read, and nothing listens yet.
        case starting
        case serving
        /// SIGTERM was received.
        case stopping
        /// The process is gone.
        case ended
    }
    /// The run that the process belongs to.
    let world: SimulatedWorld
    /// The number of the process, from 1.
    let number: Int
    private(set) var phase = Phase.starting
    /// The event loops of the process.
    let eventLoops: [SimulatedEventLoop]
    /// The lane of all Swift tasks of the process.
    let tasks: SimulatedLane
    /// The thread that reads the worker.
    private let readerLane: SimulatedLane
    let registry: GenerationRegistry
    let modelReadiness: ModelReadiness
    let engine: WorkerEngine
    let completions: CompletionService
    let control: ControlService
    let recovery: RecoveryProgress
    let loops = ReaderLoops()
    /// Set by SIGTERM.
    private let shutdown = ShutdownFlag()
    /// Journal and recovery; nil if the journal cannot be opened.
    var storage: SimulatedStorage?
    /// The number of tasks of request handlers that have not ended.
    var handlerCount = 0
    /// The connections that are not idle, and some that are.
    private(set) var connections: [SimulatedConnection] = []
    /// The times at which commands were sent that have no reply, by their number.
    private var unansweredCommands: [Int: UInt64] = [:]
    /// The number of commands so far.
    private var commandCount = 0
    /// The time of the handover, in nanoseconds of the virtual clock; nil before it.
    private var handover: UInt64?
    private var hasListened = false
    /// Whether no generation changes any more.
    private var isDrained = false
    /// The part of the server that the shutdown waits for, for messages.
    private var awaitedPart = "the running generations"

    /// The times of the shutdown, as flags set them.
    static let grace = Duration.milliseconds(2_000)
    static let closingTimeout = Duration.milliseconds(500)

    init(_ world: SimulatedWorld, number: Int) {
        self.world = world
        self.number = number
        let scheduler = world.scheduler
        eventLoops = (1...2).map { SimulatedEventLoop("edge \(number), loop \($0)", scheduler) }
        tasks = scheduler.makeLane("edge \(number), tasks", isOrdered: false)
        readerLane = scheduler.makeLane("edge \(number), worker's reader")
        scheduler.taskLane = tasks
        let configuration = GenerationConfiguration()
        let logger = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        let modelReadiness = ModelReadiness(configuration: configuration, logger: logger)
        let eventLoop = eventLoops[0]
        registry = GenerationRegistry(
            quota: world.limits.quota, retention: world.limits.retention,
            stateChanged: { modelReadiness.engineStateChanged($0) },
            clock: { .uptimeNanoseconds(scheduler.now) }, calendar: { world.calendar }, makeID: { world.makeID() },
            timerLoop: { eventLoop })
        self.modelReadiness = modelReadiness
        engine = WorkerEngine(
            modelName: "simulated", launcher: SimulatedLauncher(world, readerLane: readerLane), receiver: registry,
            policy: world.limits.restartPolicy, clock: .simulated(scheduler, on: tasks), logger: logger)
        registry.connect(to: engine)
        storage = SimulatedStorage(world, number: number, logger: logger)
        world.truth.lacksJournal = storage == nil
        recovery = storage?.recovery ?? RecoveryProgress(requestTimeout: .zero)
        completions = CompletionService(
            configuration: configuration,
            models: FixedModel(ModelHandle(configuration: configuration, engine: engine, readiness: modelReadiness)),
            registry: registry, loops: loops, shutdown: shutdown, reasoningCounts: ReasoningTokenCounts())
        control = ControlService(registry: registry, recovery: recovery)
    }

    // MARK: Life

    /// Starts the process.
    func start() {
        modelReadiness.engineStateChanged(engine.state)
        storage?.begin(on: self)
        let engineTask = Task { await engine.run() }
        // Without a model the server ends, and the next one tries again.
        modelReadiness.whenResolved { [weak self] result in
            guard let self, case .failure = result else { return }
            world.scheduler.add(to: tasks) { [weak self] in
                guard let self, phase == .starting || phase == .serving else { return }
                world.record("edge", "has no model")
                terminate()
            }
        }
        repeatSweep()
        Task {
            if storage != nil { await recovery.wait(upTo: .seconds(1), on: eventLoops[0]) }
            if phase == .starting {
                phase = .serving
                hasListened = true
                world.record("edge", "listens")
            }
        }
        self.engineTask = engineTask
    }

    /// The task of the supervisor.
    private var engineTask: Task<Void, Never>?

    /// Removes expired generations every five seconds.
    private func repeatSweep() {
        let scheduler = world.scheduler
        scheduler.addTimer(at: scheduler.now + 5_000_000_000, on: eventLoops[0].lane, isPermanent: true) {
            [weak self] in
            guard let self, phase != .ended else { return }
            registry.sweep()
            repeatSweep()
        }
    }

    /// SIGTERM: a graceful shutdown. A second signal hands over and closes the connections at once.
    func terminate() {
        guard phase != .ended else { return }
        guard phase != .stopping else {
            world.record("edge", "receives a second SIGTERM")
            world.reach(.secondSignal)
            registry.handOver(.serverEnds)
            noteHandover()
            return closeAll()
        }
        world.record("edge", "receives SIGTERM")
        phase = .stopping
        shutdown.set()
        let deadline = world.scheduler.now + Self.longestShutdown
        let watch = world.scheduler.makeLane("edge \(number), monitor")
        world.scheduler.addTimer(at: deadline, on: watch) { [weak self] in
            guard let self, phase != .ended else { return }
            let worker = world.worker?.summary ?? "there is no worker"
            world.fail(
                .shutdown,
                "the edge has not ended \(Self.longestShutdown / 1_000_000) ms after SIGTERM: it waits for "
                    + "\(awaitedPart); \(worker)")
        }
        Task {
            await GenerationDrain(registry: registry, flag: shutdown, grace: Self.grace).run(on: eventLoops[0])
            isDrained = true
            noteHandover()
            awaitedPart = "open connections"
            let closing = eventLoops[0].scheduleTask(in: TimeAmount(Self.closingTimeout)) { [self] in closeAll() }
            await waitForConnections()
            closing.cancel()
            awaitedPart = "the worker"
            engine.shutdown()
            await engineTask?.value
            awaitedPart = "recovery and journal"
            await storage?.close()
            world.edgeEnded(self)
        }
    }

    /// The time in which a process ends after SIGTERM, in nanoseconds, as `EdgeServer` computes it: the grace, the
    /// closing of connections, the end of the worker (3 s), and one second for the monitor.
    private static let longestShutdown: UInt64 = 7_500_000_000

    /// The process is gone: SIGKILL, or the end of `main`.
    func end() {
        guard phase != .ended else { return }
        phase = .ended
        for lane in eventLoops.map(\.lane) + [tasks, readerLane] { world.scheduler.end(lane) }
        storage?.end()
        // The registry and the engine refer to each other for the life of a process.
        registry.connect(to: EndedEngine())
        for connection in connections { connection.lose() }
        if world.scheduler.taskLane === tasks { world.scheduler.taskLane = nil }
    }

    // MARK: Connections

    /// Whether the process accepts connections: also while its generations drain. New completions are refused then.
    var isListening: Bool { phase == .serving || phase == .stopping && hasListened && !isDrained }

    /// A client connects to one of the event loops.
    func connect(loop: Int, window: Int) -> SimulatedConnection {
        let connection = SimulatedConnection(on: eventLoops[loop % eventLoops.count], window: window)
        connections.removeAll(where: \.isIdle)
        connections.append(connection)
        return connection
    }

    /// Closes all connections on their event loops.
    private func closeAll() {
        for connection in connections where !connection.isClosed {
            connection.eventLoop.execute { connection.close() }
        }
    }

    // MARK: Commands

    private func noteHandover() { handover = handover ?? world.scheduler.now }

    /// Notes a command until it has a reply, whether or not its client waits for it.
    func note(_ command: SentCommand) {
        commandCount += 1
        let number = commandCount
        unansweredCommands[number] = world.scheduler.now
        command.whenResolved { [weak self] reply in
            guard let self else { return }
            unansweredCommands[number] = nil
            if case .ended(nil) = reply { world.reach(.commandAtHandover) }
        }
    }

    /// The number of commands from before the handover without a reply. A handover answers all of them.
    var forgottenCommandCount: Int {
        guard let handover else { return 0 }
        return unansweredCommands.values.count { $0 <= handover }
    }

    /// Returns when all connections have sent their responses or are closed.
    private func waitForConnections() async {
        while connections.contains(where: { !$0.isIdle }) || handlerCount > 0 {
            try? await SupervisorClock.simulated(world.scheduler, on: tasks).sleep(.milliseconds(5))
        }
    }
}
