import Logging
import MartletEngine
import MartletGenerations
import MartletModels
import MartletPlatform
import MartletPool
import MartletProtocol
import MartletServer
import MartletWorkers
import UnixSignals

/// A server with its workers: settings become the configuration of the edge and the arguments of the workers.
///
/// With `catalogue` it loads and unloads models, and `model` is not used.
struct Edge: Sendable {
    /// The configuration of the HTTP server.
    var configuration: ServerConfiguration
    /// The model file, found and checked.
    var model: ModelFile
    /// The models of a server that loads and unloads them; `nil` for a server with one model.
    var catalogue: ModelCatalogue?
    /// The settings of such a server.
    private var values: SettingValues
    /// The arguments of the worker process, `--model` included.
    var workerArguments: [String]
    /// The program itself, which is also the worker's program.
    var executable: FilePath
    /// The logger of server and supervisor.
    var logger: Logger
    var restartPolicy = RestartPolicy()
    /// The live rows of models that load; `nil` = they are not shown.
    var rows: LoadRows?
    /// Called once when the model is loaded.
    var onReady: @Sendable (ModelInformation) -> Void = { _ in }
    /// Called when the server does not end in time, with the names of the parts that still run. The worker is dead by
    /// then.
    var onOverdue: @Sendable (String) -> Void = { _ in }

    /// Validates all settings, those of the worker included, before any process starts.
    /// - Throws: At the first setting that is wrong, and if the program's own file cannot be found.
    init(_ values: SettingValues, model: ModelFile, logger: Logger) throws(SettingError) {
        guard let executable = CurrentProcess.executable else {
            throw SettingError("the program's own file cannot be found, so no worker can be started")
        }
        self.executable = executable
        self.values = values
        self.model = model
        self.logger = logger
        configuration = try ServerConfiguration(values) { logger.warning("\($0)") }
        configuration.journal = JournalConfiguration(values, environment: CurrentProcess.environment)
        try configuration.setHistory(values)
        if let folder = values.text(.promptFolder) {
            configuration.promptLog = try Self.promptLog(in: folder, logger)
        }
        if values.list(.alias) == nil { configuration.modelNames = [model.name] }
        if let seconds = values.integer(.hangTimeout) {
            restartPolicy.hangTimeout = seconds > 0 ? .seconds(seconds) : nil
        }
        // The worker reads these settings, too. An error here is one line instead of a failed start of each worker.
        _ = try EngineConfiguration(modelPath: model.path.string, values)
        workerArguments = ["worker"] + values.workerArguments()
        if values.text(.model) == nil { workerArguments.append("--model=\(model.path)") }
        let descriptors = DescriptorBudget(limit: DescriptorLimit.raise())
        if !values.isChosen(.maximumConnections) {
            configuration.limits.connections = ConnectionBudget.connections(
                memory: MemoryBudget.available, descriptors: descriptors)
        }
        limit(to: descriptors)
    }

    /// The folder of `--log-prompts-dir`.
    private static func promptLog(in folder: String, _ logger: Logger) throws(SettingError) -> PromptLog {
        do {
            return try PromptLog(folder: folder, logger: logger)
        } catch {
            throw SettingError(error.description)
        }
    }

    /// Lowers the limit of connections to the number of descriptors: a failing `accept` would stall other connections.
    private mutating func limit(to budget: DescriptorBudget) {
        // 0 = the system does not report a limit.
        guard budget.limit > 0 else { return }
        configuration.journal?.maximumOpenCount = budget.journals
        configuration.limits.extraConnections = budget.extraConnections
        guard let warning = budget.warning(connections: configuration.limits.connections) else { return }
        logger.warning("\(warning)")
        configuration.limits.connections = budget.connections
    }

    /// Makes a server that loads and unloads the models of the sources.
    /// - Parameters:
    ///   - flags: The flags of the command line, which override the settings of single models.
    ///   - downloaded: The path of a model that was downloaded at the start.
    /// - Throws: As `init(_:model:logger:)`, and if a source cannot be read.
    init(
        _ values: SettingValues, flags: [String], downloaded: String?, logger: Logger
    ) throws(SettingError) {
        let sources = try ModelCatalogue.sources(values, downloaded: downloaded)
        try self.init(values, model: ModelFile(path: sources.files.first ?? ""), logger: logger)
        catalogue = ModelCatalogue(
            flags: flags, values: values, sources: sources, executable: executable, restartPolicy: restartPolicy,
            logger: logger)
        if let catalogue {
            configuration.removeModel = { model throws(ModelSourceError) in
                try catalogue.removal(of: model).perform()
            }
        }
    }

    /// Serves until one of `signals` arrives, the task is cancelled, or the model cannot be loaded.
    /// - Throws: If an address cannot be bound or the model cannot be loaded.
    func run(until signals: [UnixSignal]) async throws {
        if let catalogue { return try await run(catalogue, until: signals) }
        let service = WorkerService()
        var configuration = configuration
        configuration.onOverdue = { [onOverdue] reason in
            service.killWorker()
            onOverdue(reason)
        }
        // The last prefixes are written while the worker ends.
        let hasDiskCache = workerArguments.contains { $0.hasPrefix("--\(FlagKey.diskCache.rawValue)") }
        let (failures, failure) = AsyncStream<Void>.makeStream()
        let startup = StartupObserver(onReady: onReady, onFailure: { failure.finish() })
        let name = configuration.modelNames.first ?? model.name
        configuration.onEngineState = { [rows] state in
            rows?.show(state, of: name)
            startup.engineStateChanged(state)
        }
        let server = EdgeServer(configuration: configuration, logger: logger, services: [("the worker", service)]) {
            receiver in
            let engine = WorkerEngine(
                modelName: name,
                launcher: SubprocessLauncher(
                    executable: executable, arguments: workerArguments,
                    endDelay: hasDiskCache ? .seconds(10) : .milliseconds(500)), receiver: receiver,
                policy: restartPolicy, logger: logger)
            service.use(engine)
            return engine
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in failures {}
                if !Task.isCancelled { await server.shutDown() }
            }
            try await run(server, until: signals, in: &group)
        }
        if let error = startup.failure {
            throw SettingError("\(error.message) (--log-verbosity 5 logs more)")
        }
    }

    /// Runs a server, and reloads its certificate at SIGHUP.
    private func run(
        _ server: EdgeServer, until signals: [UnixSignal], in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws {
        if configuration.tls != nil, !signals.isEmpty {
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup) { server.reloadCertificates() }
            }
        }
        try await server.run(until: signals)
        group.cancelAll()
    }

    /// Serves the models of a catalogue. A model that cannot be loaded is `failed`, and the others serve.
    private func run(_ catalogue: ModelCatalogue, until signals: [UnixSignal]) async throws {
        var reporting = catalogue
        reporting.devices = await DeviceProbe(executable: executable, logger: logger).devices(values)
        let catalogue = reporting
        let service = PoolService()
        var configuration = configuration
        configuration.onOverdue = { [onOverdue] reason in
            service.killWorkers()
            onOverdue(reason)
        }
        let downloader =
            values.toggle(.offline) == true
            ? nil
            : ChildDownloader(
                executable: executable, token: values.text(.hubToken),
                isSandboxed: values.toggle(.sandbox) != false, logger: logger,
                folder: HubCache.folder(environment: CurrentProcess.environment))
        let server: EdgeServer
        do {
            server = try EdgeServer(configuration: configuration, logger: logger, services: [("the workers", service)])
            {
                receiver, onReady in
                var settings = PoolPlan.settings(values, catalogue.sources, catalogue.devices)
                if let rows { settings.onChange = { rows.show($0) } }
                let pool = try ModelPool(
                    settings, receiver: receiver,
                    downloader: downloader,
                    logger: logger, onReady: onReady, stamp: { catalogue.sources.stamp }
                ) { () throws(ModelSourceError) in try catalogue.scan() }
                service.use(pool)
                return pool
            }
        } catch let error as ModelSourceError {
            throw SettingError(error.description)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await run(server, until: signals, in: &group)
        }
    }
}
