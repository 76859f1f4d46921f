package import Logging
package import MartletGenerations
package import MartletModels
package import MartletProtocol
package import MartletStreams
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
        /// Whether `plan` has computed the needs.
        var isPlanned = false
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
        /// The leases of requests that have not ended.
        var waiting: [RequestNumber: ModelLease] = [:]
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
    }

    let state: Mutex<State>
    let settings: Settings
    let receiver: any EngineEventReceiver
    let logger: Logger
    let scan: @Sendable () throws(ModelSourceError) -> Catalogue
    let downloader: (any ModelDownloader)?
    /// Called when a model has become ready.
    let onReady: @Sendable () -> Void
    /// The changes of all models.
    package let events = ModelEventLog()

    /// Makes a pool, and reads its sources.
    /// - Parameters:
    ///   - scan: reads the sources of models; called again on demand.
    ///   - receiver: receives the events of all engines.
    /// - Throws: if the sources cannot be read.
    package init(
        _ settings: Settings, receiver: any EngineEventReceiver, downloader: (any ModelDownloader)? = nil,
        logger: Logger, onReady: @escaping @Sendable () -> Void = {},
        scan: @escaping @Sendable () throws(ModelSourceError) -> Catalogue
    ) throws(ModelSourceError) {
        self.settings = settings
        self.receiver = receiver
        self.downloader = downloader
        self.logger = logger
        self.onReady = onReady
        self.scan = scan
        state = Mutex(
            State(
                policy: LifecyclePolicy(capacity: settings.capacity, limits: settings.limits),
                registry: ModelRegistry([])))
        try rescan()
    }

    // MARK: Directory

    /// The models of the sources, and loaded models that are gone from the sources.
    package var all: [ModelHandle] {
        state.withLock { state in
            state.entries.filter { !$0.isGone || $0.worker != nil }.map(\.handle)
        }
    }

    /// The model that a request means, after `Settings.nameMap`; an unknown name reads the sources again first.
    package func model(named name: String?) throws(GenerationError) -> ModelHandle {
        guard let name, !name.isEmpty else { return try defaultModel() }
        return try ownModel(named: settings.nameMap.target(of: name))
    }

    /// The model with one of the names of the sources.
    private func ownModel(named name: String) throws(GenerationError) -> ModelHandle {
        switch look(up: name) {
        case .model(let handle, _): return handle
        case .invalid(let rule): throw .field("model", "The name \(rule)")
        case .unknown(let nearest):
            let advice = nearest.map { "; did you mean \"\($0)\"?" } ?? "; GET /v1/models lists all models"
            throw .unknownModel("Field 'model': There is no model \"\(name.prefix(256))\"\(advice)")
        }
    }

    /// The model of a journal, by any of its names. A model that is gone and not loaded is not found, and its generations
    /// fail.
    package func model(ofJournal name: String) -> ModelHandle? { try? ownModel(named: name) }

    /// No warning: the named model answers, or the request is refused.
    package func warning(about name: String?) -> String? { nil }

    /// The result of looking up a name.
    enum Found {
        case model(ModelHandle, ModelNumber)
        case unknown(nearest: String?)
        case invalid(String)
    }

    /// Finds a model by a name of the registry. A name that is unknown is looked up again after a scan.
    func look(up name: String) -> Found {
        let found = lookUpNow(name)
        guard case .unknown = found, (try? rescan()) != nil else { return found }
        return lookUpNow(name)
    }

    private func lookUpNow(_ name: String) -> Found {
        state.withLock { state in
            switch state.registry.resolve(name) {
            case .model(let model):
                guard let index = state.indexByName[ExactString(model.name)] else { return .unknown(nearest: nil) }
                return .model(state.entries[index].handle, ModelNumber(index))
            case .unknown(let nearest):
                guard let index = Self.hiddenIndex(name, state) else { return .unknown(nearest: nearest) }
                return .model(state.entries[index].handle, ModelNumber(index))
            case .invalid(let rule): return .invalid(rule)
            }
        }
    }

    /// The model of this name or alias that the sources do not have any more, but whose worker has not ended.
    private static func hiddenIndex(_ name: String, _ state: borrowing State) -> Int? {
        state.entries.firstIndex { entry in
            guard entry.isGone, entry.worker != nil else { return false }
            let model = entry.definition.model
            return ([model.name] + model.aliases).contains { $0.hasSameBytes(as: name) }
        }
    }

    /// The model of a request without a name: a default name, the only model, or the only one beside the demo model.
    private func defaultModel() throws(GenerationError) -> ModelHandle {
        let (candidates, entries) = state.withLock { state in
            (settings.defaultNames.compactMap { state.indexByName[ExactString($0)] }, state.entries)
        }
        if let first = candidates.first(where: { !entries[$0].isGone }) { return entries[first].handle }
        let present = entries.filter { !$0.isGone }
        let own = present.filter { $0.definition.model.source != .builtIn }
        if let only = own.count == 1 ? own.first : own.isEmpty ? present.first : nil { return only.handle }
        throw .field(
            "model", "A name is required, because this server has \(own.count) models; GET /v1/models lists them")
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
            apply(.ended(request))
        }
        if let problem = problem(number) {
            lease.resolve(.failure(GenerationError(.failed, problem)))
            return lease
        }
        let isGone = state.withLock { state in
            state.waiting[request] = lease
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
        }
        return lease
    }

    // MARK: Policy

    /// Passes an event to the policy, and carries out its actions.
    func apply(_ event: LifecycleEvent) {
        state.withLock { state in
            state.actions += state.policy.handle(event, at: settings.now())
            publishPhases(&state)
        }
        act()
        scheduleTick()
    }

    /// Reports the models whose phase has changed.
    private func publishPhases(_ state: inout State) {
        for index in state.entries.indices {
            let phase = state.policy.phase(of: ModelNumber(index))
            guard phase != state.entries[index].published else { continue }
            state.entries[index].published = phase
            if phase == .loading { (state.entries[index].fraction, state.entries[index].load) = (0, nil) }
            if phase != .loading, phase != .downloading { state.entries[index].fraction = nil }
            if case .failed(let reason) = phase { state.entries[index].lastError = reason }
            if phase == .ready { state.entries[index].lastError = nil }
            events.append(.status(Self.status(index, state)))
        }
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
                (state.waiting.removeValue(forKey: request), state.entries[number.rawValue].handle)
            }
            lease?.resolve(Result { () throws(GenerationError) in try handle.readyModel() })
        case .refuse(let request, let refusal):
            let lease = state.withLock { $0.waiting.removeValue(forKey: request) }
            lease?.resolve(.failure(GenerationError(refusal)))
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
