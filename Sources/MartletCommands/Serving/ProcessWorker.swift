import Logging
import MartletPlatform
import MartletPool
import MartletProtocol
import MartletWorkers

/// A worker of one load as a supervised child process.
///
/// Thread: any.
final class ProcessWorker: PoolWorker {
    private let worker: WorkerEngine

    /// Makes a worker, which `run` starts.
    /// - Parameter arguments: The arguments of the process, the model included.
    init(
        modelName: String, executable: FilePath, arguments: [String], receiver: any EngineEventReceiver,
        policy: RestartPolicy, logger: Logger
    ) {
        // The last prefixes are written while the worker ends.
        let hasDiskCache = arguments.contains { $0.hasPrefix("--\(FlagKey.diskCache.rawValue)") }
        worker = WorkerEngine(
            modelName: modelName,
            launcher: SubprocessLauncher(
                executable: executable, arguments: arguments,
                endDelay: hasDiskCache ? .seconds(10) : .milliseconds(500)),
            receiver: receiver, policy: policy, logger: logger)
    }

    /// The supervisor, which queues requests while a process starts.
    var engine: any EngineService { worker }

    /// The memory of the process that runs.
    var memory: WorkerMemory? { worker.memory.map { WorkerMemory(resident: $0.resident, peak: $0.peak) } }

    /// The end of the log of the last process, for the reason of a failure.
    var lastLogLines: [String] { worker.lastLogLines }

    /// Runs worker processes until `end` is called.
    func run() async { await worker.run() }

    /// Asks the process to end; generations that run end with an error.
    func end(kills: Bool) {
        worker.shutdown(EngineError(.shuttingDown, "The model was unloaded"))
        if kills { worker.killWorker() }
    }
}
