package import MartletGenerations
package import MartletModels
package import MartletProtocol

/// A model that the pool can load, with everything that depends on the model and not on its state.
package struct ModelDefinition: Sendable {
    /// The entry of the registry: names, files, settings.
    package var model: RegisteredModel
    /// The facts of the files; nil if they are not on this machine or cannot be read.
    package var summary: ModelSummary?
    /// The kind of the file. Files of other kinds than models are named in lists and never loaded.
    package var kind = ModelSummary.Kind.model
    /// The reason for which the model cannot be loaded, as a predicate; nil = none is known.
    package var problem: String?
    /// Names, chat template and template arguments.
    package var configuration: GenerationConfiguration
    /// The defaults of requests to this model, in the form of the dialects; nil = those of the server.
    package var defaults: (any Sendable)?
    package var isPinned = false
    package var keepAlive = LifecyclePolicy.KeepAlive.forever
    /// The idle time after which the model sleeps; nil = never.
    package var sleepAfter: Duration?
    /// Whether the server loads the model at its start.
    package var loadsOnStartup = false
    /// Whether the files may be deleted on request.
    package var isRemovable = false
    /// Computes the memory of a load from the heads of the files. Blocks while they are read; called before the first load.
    /// Throws a predicate that follows the model's name.
    package var plan: @Sendable () throws(ModelSourceError) -> MemoryAmount
    /// Computes the largest context that fits into an amount, in tokens: 0 if none fits, nil if that is not known. Blocks
    /// while the heads of the files are read.
    package var largestContext: @Sendable (MemoryAmount) -> Int? = { _ in nil }
    /// Makes a worker, which does not run yet.
    package var makeWorker: @Sendable (any EngineEventReceiver) throws(ModelSourceError) -> any PoolWorker

    /// Makes the definition of a model.
    package init(
        model: RegisteredModel, configuration: GenerationConfiguration,
        plan: @escaping @Sendable () throws(ModelSourceError) -> MemoryAmount,
        makeWorker: @escaping @Sendable (any EngineEventReceiver) throws(ModelSourceError) -> any PoolWorker
    ) {
        self.model = model
        self.configuration = configuration
        self.plan = plan
        self.makeWorker = makeWorker
    }

    /// Whether the files are on this machine.
    var isOnDisk: Bool { model.isComplete }

    /// The properties that the policy needs. The needs are those of the files until `plan` was called.
    func registration(isDownloadable: Bool) -> LifecyclePolicy.Registration {
        var registration = LifecyclePolicy.Registration(needs: MemoryAmount(summary?.byteCount ?? 0))
        registration.isOnDisk = isOnDisk
        registration.isDownloadable = isDownloadable && !model.missing.isEmpty
        registration.isPinned = isPinned
        registration.keepAlive = keepAlive
        registration.sleepAfter = sleepAfter
        return registration
    }
}

/// A worker of one load: the process, or a fake in tests.
///
/// Thread: any.
package protocol PoolWorker: Sendable {
    /// The engine of the worker. It accepts requests from the beginning.
    var engine: any EngineService { get }

    /// Runs the worker, and its successors after crashes, until `end` is called. Called once.
    func run() async

    /// Ends the worker. `run` returns when the process is gone.
    /// - Parameter kills: whether the process is killed, its generations included, instead of asked to end.
    func end(kills: Bool)

    /// The last lines of the worker's log, the oldest first.
    var lastLogLines: [String] { get }

    /// The memory of the worker's process; nil if the system does not report it. Reads a file of the system.
    var memory: WorkerMemory? { get }
}

/// The memory that a worker's process really uses.
package struct WorkerMemory: Sendable, Equatable {
    /// Bytes now.
    package var resident: UInt64
    /// The most bytes so far.
    package var peak: UInt64

    /// Makes the memory of a worker.
    package init(resident: UInt64, peak: UInt64) {
        self.resident = resident
        self.peak = peak
    }
}
