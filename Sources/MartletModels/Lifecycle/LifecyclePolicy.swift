/// Decides which models are loaded: loads on demand, evictions, drains, sleep, downloads, and the order of requests.
///
/// Pure: `handle` accepts an event and the time, and returns actions. The states, the events and the invariants are in
/// design.md. One writer: the task that owns the value.
///
/// Example: with room for one model, the requests A B A A C A B C cause three loads: A serves its four requests, then B
/// its two, then C its two.
package struct LifecyclePolicy: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// How long an idle model remains loaded.
    package enum KeepAlive: Sendable, Equatable {
        case forever
        /// 0 = the model is unloaded when it is idle.
        case idle(Duration)
    }

    /// The limits of a policy.
    package struct Limits: Sendable, Equatable {
        /// The largest number of loaded models (`--models-max`); 0 = no limit.
        package var maximumModelCount = 0
        /// The requests that may overtake the first request of a waiting model. Then a loaded model drains.
        package var maximumOvertakingCount = 8
        /// The longest time in which requests may overtake. Then a loaded model drains.
        package var maximumOvertakingTime: Duration = .seconds(30)
        /// The time in which generations may end before an unload is abandoned.
        package var drainTimeout: Duration = .seconds(60)
        /// The pause before a failed model may be loaded again; it doubles with each failure in a row.
        package var retryPause: Duration = .seconds(5)
        package var maximumRetryPause: Duration = .seconds(300)
        /// The time after which a ready model counts as healthy, so that its failures before do not count any more.
        package var healthyTime: Duration = .seconds(300)
        /// The shortest idle time after a load by command, until the first request: with a keep-alive of 0 the model would
        /// otherwise be gone before any client can use it.
        package var minimumCommandTime: Duration = .seconds(30)

        /// Creates the default limits.
        package init() {}
    }

    /// The state of a model.
    package enum Phase: Sendable, Equatable {
        /// No file is on this machine.
        case absent
        case downloading
        case unloaded
        case loading
        case ready
        /// The worker admits no request. It ends when `isEnding`, which needs that no generation runs.
        case draining(Drain)
        /// As `unloaded`, after an idle time; the next request wakes it.
        case sleeping
        /// The last load failed, with a predicate that follows the model's name.
        case failed(String)
    }

    /// The reason and the progress of a drain.
    package struct Drain: Sendable, Equatable {
        /// The reason, which determines the next state.
        package enum Purpose: Sendable, Equatable {
            /// Another model needs the room.
            case swap
            case unload
            case sleep
        }
        package var purpose: Purpose
        /// The end of an unload's patience; `nil` = none.
        package var deadline: Instant?
        /// Whether the order to end was sent to the worker.
        package var isEnding = false
    }

    /// A model and its properties that do not change with its state.
    package struct Registration: Sendable {
        /// The planned memory of a load.
        package var needs: MemoryAmount
        /// Whether the model's files can be fetched.
        package var isDownloadable = false
        package var isOnDisk = true
        package var isPinned = false
        package var keepAlive = KeepAlive.forever
        /// The idle time after which the model sleeps (`--sleep-idle-seconds`); `nil` = never.
        package var sleepAfter: Duration?

        /// Creates a registration of a model that needs this memory.
        package init(needs: MemoryAmount) { self.needs = needs }
    }

    /// A request that waits for its model.
    struct Waiter: Sendable, Equatable {
        var request: RequestNumber
        /// The position among all arrivals.
        var order: UInt64
        var since: Instant
        /// The keep-alive that the request states. It applies when the model serves the request, so a refused request
        /// changes nothing.
        var keepAlive: KeepAlive?
        /// Whether the model may be loaded for the request.
        var loads = true
    }

    /// All state of one model.
    struct Entry: Sendable {
        var registration: Registration
        var phase: Phase
        /// In the order of arrival.
        var waiting: [Waiter] = []
        var running: Set<RequestNumber> = []
        /// Whether a command, not a request, wants the model loaded or its files fetched.
        var isWanted = false
        /// Whether a command loaded the model, and no request has used it since.
        var isUnusedSinceCommand = false
        /// The newest arrival when the worker became ready. The load was made for the requests up to it, so no drain stops
        /// them.
        var turnEnd: UInt64 = 0
        /// The number of requests of other models that overtook the first waiting one.
        var overtakenCount = 0
        /// The keep-alive of the last admitted request that stated one.
        var keepAlive: KeepAlive?
        /// The most memory that the worker was measured to use, if it is more than planned. The caches of the worker are
        /// part of it and end with it, so the next load is planned without them.
        var measured: MemoryAmount?
        /// The memory to count: planned or learned, and at least the measured memory while the worker lives.
        var needs: MemoryAmount { isResident ? measured ?? registration.needs : registration.needs }
        /// The time of the last use, for the choice of a victim and for idle times.
        var lastUse: Instant
        var wasRetriedForMemory = false
        /// The model that ends because a load ran out of memory; the retry waits for its end.
        var awaitedVictim: Int?
        /// The failures in a row: loads that failed, and models that failed before `Limits.healthyTime`.
        var failureCount = 0
        var retryAt: Instant?
        /// The time of the last load that succeeded; `nil` after a failure.
        var readyAt: Instant?

        /// Whether no request needs the model.
        var isIdle: Bool { running.isEmpty && waiting.isEmpty }
        /// Whether the model uses memory.
        var isResident: Bool {
            switch phase {
            case .loading, .ready, .draining: true
            default: false
            }
        }
    }

    package let limits: Limits
    var entries: [Entry] = []
    /// The memory that all models together may use.
    package internal(set) var capacity: MemoryAmount
    var modelByRequest: [RequestNumber: ModelNumber] = [:]
    var arrivalCount: UInt64 = 0
    var actions: [LifecycleAction] = []

    /// Creates a policy without models.
    package init(capacity: MemoryAmount, limits: Limits = Limits()) {
        self.capacity = capacity
        self.limits = limits
    }

    /// Adds a model.
    ///
    /// - Returns: its number; numbers ascend from 0.
    package mutating func register(_ registration: Registration, at now: Instant) -> ModelNumber {
        entries.append(
            Entry(registration: registration, phase: registration.isOnDisk ? .unloaded : .absent, lastUse: now))
        return ModelNumber(entries.count - 1)
    }

    /// The state of a model.
    package func phase(of model: ModelNumber) -> Phase { entries[model.rawValue].phase }

    /// The memory that counts for a model: planned, learned, or measured while it is loaded.
    package func needs(of model: ModelNumber) -> MemoryAmount { entries[model.rawValue].needs }

    /// The numbers of running and of waiting requests of a model.
    package func load(of model: ModelNumber) -> (running: Int, waiting: Int) {
        (entries[model.rawValue].running.count, entries[model.rawValue].waiting.count)
    }

    /// The requests that wait for a model, in the order of arrival.
    package func waiting(for model: ModelNumber) -> [RequestNumber] {
        entries[model.rawValue].waiting.map(\.request)
    }

    /// Applies an event.
    ///
    /// - Returns: orders, in the order in which the environment performs them.
    /// - Complexity: quadratic in the number of models at worst; linear in the waiting requests.
    package mutating func handle(_ event: LifecycleEvent, at now: Instant) -> [LifecycleAction] {
        actions = []
        apply(event, now)
        settle(now)
        return actions
    }

    // MARK: Events

    private mutating func apply(_ event: LifecycleEvent, _ now: Instant) {
        switch event {
        case .request(let request, let model, let keepAlive, let loads):
            receive(request, model.rawValue, keepAlive, loads, now)
        case .continuation(let request, let model): join(request, model.rawValue, now)
        case .ended(let request): end(request, now)
        case .load(let model): wantLoad(model.rawValue, now)
        case .unload(let model, let force): unload(model.rawValue, force: force, now)
        case .download(let model): startDownload(model.rawValue, isWanted: true)
        case .cancelDownload(let model): cancelDownload(model.rawValue)
        case .downloadEnded(let model, let problem): endDownload(model.rawValue, problem)
        case .ready(let model, let used): becomeReady(model.rawValue, used, now)
        case .failed(let model, let reason): fail(model.rawValue, reason, now)
        case .outOfMemory(let model, let used, let reason): runOutOfMemory(model.rawValue, used, reason, now)
        case .shortage(let model): runShort(model.rawValue)
        case .measured(let model, let used): measure(model.rawValue, used)
        case .stopped(let model): stopped(model.rawValue, now)
        case .capacity(let amount): capacity = amount
        case .pin(let model, let isPinned): entries[model.rawValue].registration.isPinned = isPinned
        case .tick: break
        }
    }

    private mutating func receive(
        _ request: RequestNumber, _ index: Int, _ keepAlive: KeepAlive?, _ loads: Bool, _ now: Instant
    ) {
        let entry = entries[index]
        switch entry.phase {
        case .failed(let reason):
            if !loads { return refuse(request, .failed(reason)) }
            if let retryAt = entry.retryAt, now < retryAt { return refuse(request, .failed(reason)) }
            entries[index].phase = .unloaded
        case .absent:
            guard loads, entry.registration.isDownloadable else { return refuse(request, .absent) }
        case .unloaded, .sleeping, .downloading, .draining:
            if !loads { return refuse(request, .notLoaded) }
        case .loading, .ready: break
        }
        if !entry.isResident, let refusal = permanentRefusal(index) { return refuse(request, refusal) }
        arrivalCount += 1
        modelByRequest[request] = ModelNumber(index)
        entries[index].waiting.append(
            Waiter(request: request, order: arrivalCount, since: now, keepAlive: keepAlive, loads: loads))
        if case .absent = entry.phase { startDownload(index, isWanted: false) }
    }

    private mutating func end(_ request: RequestNumber, _ now: Instant) {
        guard let index = modelByRequest.removeValue(forKey: request)?.rawValue else { return }
        if entries[index].running.remove(request) != nil {
            entries[index].lastUse = now
            return
        }
        entries[index].waiting.removeAll { $0.request == request }
        guard entries[index].waiting.isEmpty else { return }
        entries[index].overtakenCount = 0
        guard !entries[index].isWanted else { return }
        // No request and no command needs the result any more.
        switch entries[index].phase {
        case .loading: order(index, .stop(ModelNumber(index), kills: true), .unload)
        case .downloading: cancelDownload(index)
        default: break
        }
    }

    private mutating func wantLoad(_ index: Int, _ now: Instant) {
        switch entries[index].phase {
        case .absent: startDownload(index, isWanted: true)
        case .failed:
            entries[index].phase = .unloaded
            entries[index].isWanted = true
        case .ready:
            entries[index].isUnusedSinceCommand = true
            entries[index].lastUse = now
        default: entries[index].isWanted = true
        }
    }

    private mutating func unload(_ index: Int, force: Bool, _ now: Instant) {
        entries[index].isWanted = false
        switch entries[index].phase {
        case .loading:
            refuseAll(index, .unloaded)
            order(index, .stop(ModelNumber(index), kills: true), .unload)
        case .ready, .draining:
            if force {
                // A request that waits would load the model again at once.
                refuseAll(index, .unloaded)
                order(index, .stop(ModelNumber(index), kills: true), .unload)
            } else if case .draining(let drain) = entries[index].phase, drain.isEnding {
                return
            } else {
                entries[index].phase = .draining(Drain(purpose: .unload, deadline: now + limits.drainTimeout))
            }
        case .sleeping: entries[index].phase = .unloaded
        case .absent, .downloading, .unloaded, .failed: break
        }
    }

    private mutating func startDownload(_ index: Int, isWanted: Bool) {
        if isWanted { entries[index].isWanted = true }
        guard entries[index].phase == .absent, entries[index].registration.isDownloadable else { return }
        entries[index].phase = .downloading
        actions.append(.startDownload(ModelNumber(index)))
    }

    private mutating func cancelDownload(_ index: Int) {
        guard entries[index].phase == .downloading else { return }
        entries[index].isWanted = false
        actions.append(.cancelDownload(ModelNumber(index)))
    }

    /// A download that ends for any reason leaves `downloading`, so that the model can be requested again.
    private mutating func endDownload(_ index: Int, _ problem: String?) {
        guard entries[index].phase == .downloading else { return }
        entries[index].phase = problem == nil ? .unloaded : .absent
        entries[index].registration.isOnDisk = problem == nil
        if let problem {
            entries[index].isWanted = false
            refuseAll(index, .failed(problem))
        }
    }

    private mutating func stopped(_ index: Int, _ now: Instant) {
        guard case .draining(let drain) = entries[index].phase else { return }
        entries[index].phase = drain.purpose == .sleep ? .sleeping : .unloaded
        entries[index].keepAlive = nil
        entries[index].lastUse = now
        for request in entries[index].running { modelByRequest[request] = nil }
        entries[index].running = []
        for waiter in entries[index].waiting where !waiter.loads { refuse(waiter.request, .notLoaded) }
        entries[index].waiting.removeAll { !$0.loads }
    }

    // MARK: Orders

    /// Ends the worker of a model.
    mutating func order(_ index: Int, _ action: LifecycleAction, _ purpose: Drain.Purpose) {
        entries[index].phase = .draining(Drain(purpose: purpose, isEnding: true))
        actions.append(action)
    }

    mutating func admit(_ request: RequestNumber, _ index: Int, _ now: Instant) {
        entries[index].running.insert(request)
        entries[index].isUnusedSinceCommand = false
        entries[index].lastUse = now
        actions.append(.admit(request, ModelNumber(index)))
    }

    mutating func refuse(_ request: RequestNumber, _ refusal: LifecycleRefusal) {
        modelByRequest[request] = nil
        actions.append(.refuse(request, refusal))
    }

    mutating func refuseAll(_ index: Int, _ refusal: LifecycleRefusal) {
        for waiter in entries[index].waiting { refuse(waiter.request, refusal) }
        entries[index].waiting = []
        entries[index].overtakenCount = 0
    }
}
