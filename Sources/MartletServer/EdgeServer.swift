internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
package import Logging
internal import MartletAPI
internal import MartletGenerations
internal import MartletObservability
internal import MartletPlatform
package import MartletPool
package import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import NIOPosix
package import ServiceLifecycle
internal import Synchronization
package import UnixSignals

/// The edge: serves HTTP and WebSockets in front of an engine.
///
/// Its parts: `ModelDirectory` finds the model of a request, `GenerationRegistry` owns generations, `Journal` makes them
/// durable, `Recovery` brings them back, and routes connect them with clients.
///
/// Thread: any.
package final class EdgeServer: Sendable {
    let configuration: ServerConfiguration
    let logger: Logger
    private let services: [(name: String, service: any Service)]
    let models: any ModelDirectory
    /// The models of a server that loads and unloads them; nil for a server with one model.
    let pool: ModelPool?
    let registry: GenerationRegistry
    let loops = ReaderLoops()
    private let reasoningCounts = ReasoningTokenCounts()
    private let prefixes: PinnedPrefixes
    let connections: OpenConnections
    private let shutdown = ShutdownFlag()
    let recovery: RecoveryProgress
    let parts = RunningParts()
    private let shutdownMonitor: ShutdownMonitor
    let tracing: RequestTracing
    private let group = Mutex<ServiceGroup?>(nil)
    private let prefixStart = PrefixStart()
    private let stores: ResponseStores
    /// The number of addresses that are listened on, and the port of the first one.
    private let listening = Mutex<(count: Int, port: Int?)>((0, nil))
    private let certificates = Mutex<CertificateStore?>(nil)
    let history: HistoryRoute

    /// - Parameters:
    ///   - services: the services that the engine needs, by name. They stop after the last response has ended.
    ///   - makeEngine: makes the engine, which sends its events to the receiver. Called once, before `init` returns.
    package convenience init(
        configuration: ServerConfiguration, logger: Logger, services: [(name: String, service: any Service)] = [],
        makeEngine: (any EngineEventReceiver) -> any EngineService
    ) {
        let readiness = ModelReadiness(configuration: configuration.generations, logger: logger)
        self.init(
            configuration: configuration, logger: logger, services: services,
            stateChanged: { state, prefixStart in
                readiness.engineStateChanged(state)
                if case .ready = state { prefixStart.engineIsReady() }
                configuration.onEngineState(state)
            },
            makeModels: { registry, _ in
                let engine = makeEngine(registry)
                if case .ready = readiness.state {} else { readiness.engineStateChanged(engine.state) }
                return FixedModel(
                    ModelHandle(configuration: configuration.generations, engine: engine, readiness: readiness))
            })
    }

    /// Makes the server of several models.
    /// - Parameter makePool: makes the pool, whose engines send their events to the receiver. The function is to be called
    ///   when a model has become ready. Called once, before `init` returns.
    package convenience init(
        configuration: ServerConfiguration, logger: Logger, services: [(name: String, service: any Service)] = [],
        makePool: (any EngineEventReceiver, @escaping @Sendable () -> Void) throws -> ModelPool
    ) rethrows {
        try self.init(
            configuration: configuration, logger: logger, services: services, stateChanged: { _, _ in },
            makeModels: { registry, prefixStart in try makePool(registry) { prefixStart.engineIsReady() } })
    }

    /// - Parameters:
    ///   - stateChanged: receives the state of an engine that sends its events to the registry itself.
    ///   - makeModels: makes the directory of the models.
    private init(
        configuration: ServerConfiguration, logger: Logger, services: [(name: String, service: any Service)],
        stateChanged: @escaping @Sendable (EngineState, PrefixStart) -> Void,
        makeModels: (GenerationRegistry, PrefixStart) throws -> any ModelDirectory
    ) rethrows {
        self.configuration = configuration
        self.logger = logger
        self.services = services
        tracing = RequestTracing(configuration.tracer)
        recovery = RecoveryProgress(requestTimeout: configuration.journal?.recoveryRequestTimeout ?? .zero)
        connections = OpenConnections(
            limit: configuration.limits.connections, extraLimit: configuration.limits.extraConnections)
        shutdownMonitor = ShutdownMonitor { [parts] in configuration.onOverdue(parts.description()) }
        prefixes = PinnedPrefixes(tokenLimit: configuration.limits.pinnedTokens)
        stores = ResponseStores(configuration, logger: logger)
        let prefixStart = prefixStart
        let registry = GenerationRegistry(
            quota: configuration.limits.quota, retention: configuration.retention
        ) { state in stateChanged(state, prefixStart) }
        self.registry = registry
        let models = try makeModels(registry, prefixStart)
        self.models = models
        pool = models as? ModelPool
        history = HistoryRoute(isServed: configuration.servesMetrics, registry: registry) {
            await models.engineStatuses
        }
    }

    /// Serves until SIGTERM or SIGINT, or until `shutDown` is called.
    /// - Parameter signals: the first signal begins the graceful shutdown; a second one ends what is still running.
    /// - Throws: `EdgeServerError` if an address cannot or must not be listened on; `JournalError` if a required
    ///   journal
    ///   cannot be opened.
    package func run(until signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        // First, because a mistyped address needs another --host and not a key.
        for address in configuration.addresses where !address.isLocal {
            try await address.check(port: configuration.port, on: MultiThreadedEventLoopGroup.singleton)
        }
        try configuration.check()
        for path in configuration.addresses.compactMap(\.socketPath) where SocketFile.isListenedOn(path) {
            throw EdgeServerError.socketInUse(path: path)
        }
        let journal = try openJournal()
        beginPrefixes()
        defer { shutdownMonitor.end() }
        if let timeout = configuration.journal?.recoveryStartTimeout {
            await recovery.wait(upTo: timeout, on: MultiThreadedEventLoopGroup.singleton.any())
        }
        do {
            try await serve(until: signals, journal)
        } catch {
            await close(journal)
            throw error
        }
        await close(journal)
    }

    /// Stops the recovery, then closes the journal.
    private func close(_ journal: Journal?) async {
        guard let journal else { return }
        await parts.run("the reading of journals") { await recovery.stop() }
        await parts.run("the journal's disk") { await journal.close() }
    }

    /// Runs all services until the shutdown has ended. The group stops them in reverse order: generations drain first,
    /// then
    /// connections close, then the engine stops.
    private func serve(until signals: [UnixSignal], _ journal: Journal?) async throws {
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        let servers = try listeners(on: eventLoops, journal).map { (name: "open connections", service: $0) }
        var groupConfiguration = ServiceGroupConfiguration(
            services: (services + servers + [
                (
                    "running generations",
                    DrainService(
                        registry: registry, connections: connections, flag: shutdown,
                        generationGrace: configuration.generationGrace, closingTimeout: configuration.closingTimeout,
                        eventLoop: eventLoops.any(), logger: logger)
                )
            ]).map { NamedService(name: $0.name, service: $0.service, parts: parts) },
            gracefulShutdownSignals: [], logger: logger)
        groupConfiguration.maximumGracefulShutdownDuration =
            configuration.generationGrace + configuration.closingTimeout * 2
        let sweeper = eventLoops.any().scheduleRepeatedTask(initialDelay: .seconds(5), delay: .seconds(5)) {
            [registry] _ in registry.sweep()
        }
        let historian = eventLoops.any().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) {
            [history] _ in history.tick()
        }
        defer {
            sweeper.cancel()
            historian.cancel()
            removeSocket()
        }
        let group = ServiceGroup(configuration: groupConfiguration)
        self.group.withLock { $0 = group }
        let trap = ShutdownSignals(signals) { [weak self] in self?.signalled() }
        defer { withExtendedLifetime(trap) {} }
        if shutdown.isSet { await group.triggerGracefulShutdown() }
        try await group.run()
    }

    /// The first signal begins the shutdown. A second one hands generations over and closes connections at once.
    private func signalled() {
        guard shutdown.isSet else {
            shutdown.set()
            expectEnd()
            Task { await shutDown() }
            return
        }
        logger.notice("second shutdown signal: closing all connections now")
        shutdownMonitor.expectEnd(within: Self.finalGrace)
        registry.handOver(.serverEnds)
        connections.closeAll()
    }

    /// The time after `drainTimeout`, or after a second signal, until the monitor reports.
    private static let finalGrace: Duration = .seconds(1)

    private func expectEnd() { shutdownMonitor.expectEnd(within: configuration.drainTimeout + Self.finalGrace) }

    /// Begins a graceful shutdown, as a signal does. Called before `run`, it makes `run` end at once.
    package func shutDown() async {
        shutdown.set()
        // Readers of the models' events would keep their connections open.
        pool?.events.close()
        expectEnd()
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }

    /// Reads the certificate's files again and logs the result. New connections notice changed files without this call.
    package func reloadCertificates() {
        certificates.withLock { $0 }?.reload()
    }

    /// Removes the files of Unix sockets if this server made them.
    private func removeSocket() {
        guard listening.withLock({ $0.count }) > 0 else { return }
        for path in configuration.addresses.compactMap(\.socketPath) { unlink(path) }
    }

    /// Opens the journal, attaches it to the registry and begins the recovery.
    /// - Returns: nil without a journal, and if the journal cannot be opened but is not required.
    /// - Throws: if a required journal cannot be opened.
    private func openJournal() throws -> Journal? {
        guard let settings = configuration.journal else { return nil }
        do throws(JournalError) {
            let folder = JournalFolder(path: settings.path)
            try folder.prepare(syncs: settings.durability == .fsync)
            guard let lock = try folder.lock() else { throw .inUse(settings.path) }
            try folder.restoreKept()
            // Listed before new generations write journals.
            let ids = try folder.ids()
            let journal = Journal(
                folder: folder, lock: lock, durability: settings.durability,
                maximumByteCount: settings.maximumByteCount, maximumOpenCount: settings.maximumOpenCount,
                onFailure: { [logger] problem in
                    logger.warning("generations may not outlive this server now", metadata: ["reason": "\(problem)"])
                })
            // Before the recovery, because recovered generations may continue at once.
            registry.record(with: JournalRecorder(journal: journal))
            let completions = completions
            let work = Recovery(
                journal: journal, ids: ids, completions: completions.service,
                makePlan: { stored throws(StoredRequestError) in try completions.plan(for: stored) },
                makeView: { stored, options, head in
                    Dialect.named(stored.kind).makeView(
                        Dialect.Response(
                            head: head, options: options, prompts: PromptTexts(stored.promptTexts), body: stored.body))
                },
                progress: recovery, retainTime: configuration.retainTime.components.seconds,
                onReading: settings.onReading,
                // The earlier server's span of the request has ended.
                onContinue: { [tracing, weak self] generation in
                    tracing.trace(generation, within: nil)
                    self?.recordResponse(of: generation)
                },
                onRetain: { [weak self] generation in self?.recordResponse(of: generation) },
                eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: logger)
            recovery.begin(RecoveryRun(work))
            return journal
        } catch {
            if settings.isRequired { throw error }
            logger.warning("generations will not outlive this server", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// The service of pinned prefixes. Their files lie beside the journals.
    var prefixService: PrefixService {
        let defaults = configuration.completionDefaults
        return PrefixService(
            prefixes: prefixes, completions: completions.service,
            folder: configuration.journal.map { PrefixFolder(state: $0.path) },
            options: CompletionOptions(defaults: defaults),
            makeView: { [defaults] head in
                LlamaServerCompletionView(head: head, prompts: [""], options: CompletionOptions(defaults: defaults))
            },
            readDefinition: { [defaults] json throws(GenerationError) in
                do throws(APIError) {
                    return try PrefixBodies.definition(json, defaults: defaults)
                } catch {
                    throw GenerationError(.invalidRequest, error.message, field: error.field)
                }
            }, logger: logger)
    }

    /// Reads the definitions of pinned prefixes, and computes them whenever an engine is ready.
    private func beginPrefixes() {
        let service = prefixService
        service.restore()
        prefixStart.begin(of: models.all.map(\.readiness)) {
            await service.computeAll(on: MultiThreadedEventLoopGroup.singleton.any())
        }
    }

    /// The completion routes, which the recovery uses too.
    var completions: CompletionRoutes {
        CompletionRoutes(
            service: CompletionService(
                configuration: configuration.generations, models: models, registry: registry, loops: loops,
                shutdown: shutdown, reasoningCounts: reasoningCounts, prefixes: prefixes),
            configuration: configuration, tracing: tracing, history: responseHistory)
    }

    /// Stored responses: those of the store, and those of retained generations.
    var responseHistory: ResponseHistory {
        ResponseHistory(stores: stores, registry: registry, recovery: recovery)
    }

    /// Stores the response of a generation of an earlier server, if its request asks for it and no file has it.
    ///
    /// The earlier server may have ended between the last record of the journal and the file of the response.
    private func recordResponse(of generation: Generation) {
        guard let request = StoredRequest(generation.spec.storedRequest) else { return }
        responseHistory.record(generation, request.kind, request.body)
    }

    /// The chat page of this build; nil if there is none, or if it is damaged.
    func pagePack() -> PagePack? {
        do throws(PagePack.Damage) {
            return try configuration.readPagePack()
        } catch {
            logger.error("the chat page of this build is damaged", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// One listener per address. All share one router.
    private func listeners(
        on eventLoops: MultiThreadedEventLoopGroup, _ journal: Journal?
    ) throws -> [any Service] {
        var server = HTTPServerBuilder { [connections, configuration] responder in
            EdgeChannel(connections: connections, limits: configuration.limits, responder: responder)
        }
        if let files = configuration.tls {
            let store = try CertificateStore(files, logger: logger)
            certificates.withLock { $0 = store }
            server = try .tls(server, tlsConfiguration: store.configuration)
        }
        let routes = router(journal).buildResponder()
        let prefix = configuration.pathPrefix
        let responder = CallbackResponder<EdgeContext> { request, context in
            guard !prefix.isEmpty else { return try await routes.respond(to: request, context: context) }
            return try await PrefixResponder(prefix: prefix, next: routes).respond(to: request, context: context)
        }
        return configuration.addresses.map { address in
            let application = Application(
                responder: responder,
                server: server,
                configuration: ApplicationConfiguration(
                    address: address.bindAddress(port: configuration.port), serverName: "martlet", backlog: 512),
                onServerRunning: { [weak self] channel in
                    self?.listens(at: address, port: channel.localAddress?.port)
                },
                eventLoopGroupProvider: .shared(eventLoops),
                logger: logger)
            return Listener(address: address, port: configuration.port, application: application)
        }
    }

    /// Calls `onListening` when the last address is listened on.
    private func listens(at address: ListenAddress, port: Int?) {
        let port = listening.withLock { listening -> Int? in
            listening.count += 1
            if address == configuration.addresses.first { listening.port = port }
            guard listening.count == configuration.addresses.count else { return nil }
            return listening.port ?? configuration.port
        }
        if let port { configuration.onListening(port) }
    }
}
