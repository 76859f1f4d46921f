import MartletWorkers
import ServiceLifecycle
import Synchronization

/// Runs a worker engine within a service group. It starts first and ends last, after the parts that depend on it.
final class WorkerService: Service {
    private let engine = Mutex<WorkerEngine?>(nil)

    /// Sets the engine. Must be called before the group runs.
    func use(_ engine: WorkerEngine) { self.engine.withLock { $0 = engine } }

    /// Kills the worker's process without a grace period.
    func killWorker() { engine.withLock { $0 }?.killWorker() }

    /// Runs the engine until the group shuts down. Returns at once if no engine was set.
    func run() async throws {
        guard let engine = engine.withLock({ $0 }) else { return }
        await withGracefulShutdownHandler {
            await engine.run()
        } onGracefulShutdown: {
            engine.shutdown()
        }
    }
}
