package import Logging
package import MartletGenerations
package import MartletModels
package import MartletProtocol
internal import MartletStreams
internal import MartletText
internal import Synchronization

/// The models of a server that loads and unloads them: the directory of requests, and the environment of `LifecyclePolicy`.
///
/// The policy decides under the lock; its actions are carried out without the lock, one at a time and in their order. The
/// parts and the invariants are in design.md. Thread: any.
package final class ModelPool: ModelDirectory {
    /// The settings of a pool.
    package struct Settings: Sendable {
        /// The memory that all models together may use.
        package var capacity: MemoryAmount
        package var limits = LifecyclePolicy.Limits()
        /// Whether a request loads its model unless the request says otherwise.
        package var loadsOnDemand = true
        /// The names of the models that a request without `model` may mean, the first one first.
        package var defaultNames: [String] = []
        /// The names of models for other names in requests.
        package var nameMap = ModelNameMap()
        /// The time between two comparisons of the sources with the last scan; nil = they are compared on demand only.
        package var watchInterval: Duration?
        /// Receives each change of a model, in order. Called under locks, so it must return at once and call no pool.
        package var onChange: (@Sendable (ModelChange) -> Void)?
        /// The time now. Tests replace it.
        package var now: @Sendable () -> LifecyclePolicy.Instant = { .now }

        /// Makes settings with this much memory.
        package init(capacity: MemoryAmount) { self.capacity = capacity }
    }

    /// The sources of the models, read again on demand.
    package struct Catalogue: Sendable {
        package var registry: ModelRegistry
        /// One definition for each model of the registry.
        package var definitions: [ModelDefinition]

        /// Makes a catalogue.
        package init(registry: ModelRegistry, definitions: [ModelDefinition]) {
            self.registry = registry
            self.definitions = definitions
        }
    }

    /// A model with the state that the policy does not know.
    struct Entry {
        var definition: ModelDefinition
        let handle: ModelHandle
        let engine: SwitchedEngine
        /// The worker of the present load, and its number among all loads.
        var worker: (number: UInt64, value: any PoolWorker)?
        var load: LoadProgress?
        var download: DownloadState?
        var downloadTask: Task<Void, Never>?
        /// The largest fraction of the load or download that runs.
        var fraction: Double?
        var lastError: String?
        /// Whether a worker that died is being replaced.
        var isRestarting = false
        /// The needs that `plan` has computed; nil before.
        var plan: MemoryAmount?
        /// The largest context that fits into an amount, as last computed.
        var contextFit: (amount: MemoryAmount, length: Int?)?
        /// The memory of the last worker, and the time of its measurement.
        var memory: (amount: WorkerMemory, at: LifecyclePolicy.Instant)?
        /// Whether the sources do not have the model any more.
        var isGone = false
        /// The phase that the last event reported.
        var published: LifecyclePolicy.Phase
    }

    /// Everything that changes. Written under the lock of `state` only.
    struct State {
        var policy: LifecyclePolicy
        var registry: ModelRegistry
        var entries: [Entry] = []
        var indexByName: [ExactString: Int] = [:]
        /// The leases of requests that have not ended, with their models.
        var waiting: [RequestNumber: (lease: ModelLease, model: ModelNumber)] = [:]
        var lastRequest: UInt64 = 0
        var lastWorker: UInt64 = 0
        /// The names of downloads whose models the sources do not have yet.
        var strayDownloads: Set<String> = []
        /// Actions that are not carried out yet.
        var actions: [LifecycleAction] = []
        var isActing = false
        var tick: Task<Void, Never>?
        var tickAt: LifecyclePolicy.Instant?
        /// Workers whose process may run.
        var runningCount = 0
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        var isStopping = false
        /// The time of the last scan because of a damaged file.
        var repairScanAt: LifecyclePolicy.Instant?
        /// The time of the last scan, and the state of the sources before it.
        var scannedAt: LifecyclePolicy.Instant?
        var stamp = SourceStamp()
        var watch: Task<Void, Never>?
    }

    let state: Mutex<State>
    package let settings: Settings
    let receiver: any EngineEventReceiver
    let logger: Logger
    let scan: @Sendable () throws(ModelSourceError) -> Catalogue
    let stamp: @Sendable () -> SourceStamp
    /// Held while sources are read, so that an older result does not replace a newer one.
    let scanning = Mutex(())
    let downloader: (any ModelDownloader)?
    /// Called when a model has become ready.
    let onReady: @Sendable () -> Void
    /// The changes of all models.
    package let events: ModelEventLog

    /// Makes a pool, and reads its sources.
    /// - Parameters:
    ///   - receiver: receives the events of all engines.
    ///   - stamp: reads the state of the sources, without opening a file.
    ///   - scan: reads the sources of models; called again on demand.
    /// - Throws: if the sources cannot be read.
    package init(
        _ settings: Settings, receiver: any EngineEventReceiver, downloader: (any ModelDownloader)? = nil,
        logger: Logger, onReady: @escaping @Sendable () -> Void = {},
        stamp: @escaping @Sendable () -> SourceStamp = { SourceStamp() },
        scan: @escaping @Sendable () throws(ModelSourceError) -> Catalogue
    ) throws(ModelSourceError) {
        self.settings = settings
        events = ModelEventLog(observer: settings.onChange)
        self.receiver = receiver
        self.downloader = downloader
        self.logger = logger
        self.onReady = onReady
        self.scan = scan
        self.stamp = stamp
        state = Mutex(
            State(
                policy: LifecyclePolicy(capacity: settings.capacity, limits: settings.limits),
                registry: ModelRegistry([])))
        try rescan()
    }

    // MARK: Leases

    /// Claims a model for one request: the lease of `ModelHandle.lease`.
    ///
    /// The lease is resolved before the return if the model serves the request now.
    func lease(_ number: ModelNumber, _ terms: LeaseTerms) -> ModelLease {
        let request = state.withLock { state in
            state.lastRequest += 1
            return RequestNumber(state.lastRequest)
        }
        let lease = ModelLease { [weak self] in
            guard let self else { return }
            state.withLock { _ = $0.waiting.removeValue(forKey: request) }
            // While its memory is still that of the generation.
            measure(number, atMostEvery: Self.measurePause)
            apply(.ended(request))
        }
        if let problem = problem(number) {
            lease.resolve(.failure(GenerationError(.failed, problem)))
            return lease
        }
        let isGone = state.withLock { state in
            state.waiting[request] = (lease, number)
            return state.entries[number.rawValue].isGone
        }
        if terms.isContinuation {
            apply(.continuation(request, number))
        } else {
            let keepAlive = terms.keepAlive.map { time -> LifecyclePolicy.KeepAlive in
                time < .zero ? .forever : .idle(time)
            }
            // A model without files serves while it is loaded, and cannot be loaded again.
            let loads = !isGone && (terms.loadsModel ?? settings.loadsOnDemand)
            apply(.request(request, number, keepAlive: keepAlive, loadsOnDemand: loads))
            if lease.result == nil { reportWaits(of: number) }
        }
        return lease
    }

    // MARK: Policy

    /// Passes an event to the policy, and carries out its actions.
    func apply(_ event: LifecycleEvent) {
        let changed = state.withLock { state in
            state.actions += state.policy.handle(event, at: settings.now())
            return publishPhases(&state)
        }
        act()
        for number in changed { reportWaits(of: number) }
        scheduleTick()
    }

    /// Reports the models whose phase has changed.
    /// - Returns: these models.
    private func publishPhases(_ state: inout State) -> [ModelNumber] {
        var changed: [ModelNumber] = []
        for index in state.entries.indices {
            let phase = state.policy.phase(of: ModelNumber(index))
            guard phase != state.entries[index].published else { continue }
            state.entries[index].published = phase
            if phase == .loading { (state.entries[index].fraction, state.entries[index].load) = (0, nil) }
            if phase != .loading, phase != .downloading { state.entries[index].fraction = nil }
            if case .failed(let reason) = phase { state.entries[index].lastError = reason }
            if phase == .ready { state.entries[index].lastError = nil }
            events.append(.status(Self.status(index, state)))
            changed.append(ModelNumber(index))
        }
        return changed
    }

    /// Reports the phase and the progress of a model to the requests that wait for it.
    func reportWaits(of number: ModelNumber) {
        let (leases, wait) = state.withLock { state -> ([ModelLease], ModelWait) in
            let entry = state.entries[number.rawValue]
            let stage: ModelWait.Stage =
                switch state.policy.phase(of: number) {
                case .downloading: .downloading
                case .loading: .loading
                default: .queued
                }
            let leases = state.policy.waiting(for: number).compactMap { state.waiting[$0]?.lease }
            return (leases, ModelWait(stage, fraction: stage == .queued ? 0 : entry.fraction ?? 0))
        }
        for lease in leases { lease.report(wait) }
    }

    /// Carries out all actions. A call while another thread acts leaves its actions to that thread.
    private func act() {
        while let action = nextAction() {
            carryOut(action)
            state.withLock { $0.isActing = false }
        }
    }

    private func nextAction() -> LifecycleAction? {
        state.withLock { state in
            guard !state.isActing, !state.actions.isEmpty else { return nil }
            state.isActing = true
            return state.actions.removeFirst()
        }
    }

    /// Carries out one action. It may cause further events, whose actions follow.
    private func carryOut(_ action: LifecycleAction) {
        switch action {
        case .startLoad(let number): startLoad(number)
        case .stop(let number, let kills): stop(number, kills: kills)
        case .startDownload(let number): startDownload(number)
        case .cancelDownload(let number): cancelDownload(number)
        case .admit(let request, let number):
            let (lease, handle) = state.withLock { state in
                (state.waiting.removeValue(forKey: request)?.lease, state.entries[number.rawValue].handle)
            }
            lease?.resolve(Result { () throws(GenerationError) in try handle.readyModel() })
        case .refuse(let request, let refusal):
            guard let (lease, number) = state.withLock({ $0.waiting.removeValue(forKey: request) }) else { return }
            lease.resolve(.failure(error(refusal, of: number)))
        case .unloadAbandoned(let number):
            let name = state.withLock { $0.entries[number.rawValue].definition.model.name }
            logger.warning(
                "the model was not unloaded: its generations did not end in time", metadata: ["model": "\(name)"])
        }
    }

    /// Wakes the policy at its next deadline.
    private func scheduleTick() {
        let now = settings.now()
        state.withLock { state in
            let next = state.isStopping ? nil : state.policy.nextDeadline(after: now)
            guard next != state.tickAt else { return }
            state.tick?.cancel()
            state.tickAt = next
            state.tick = next.map { deadline in
                Task { [weak self] in
                    try? await ContinuousClock().sleep(until: deadline)
                    guard !Task.isCancelled, let self else { return }
                    self.state.withLock { $0.tickAt = nil }
                    apply(.tick)
                }
            }
        }
    }
}
