import MartletWorkers
import ServiceLifecycle
import Synchronization

/// Runs a worker engine within a service group: begun with it, ended after all that depends on it.
final class WorkerService: Service {
    private let engine = Mutex<WorkerEngine?>(nil)

    /// Before the group runs.
    func use(_ engine: WorkerEngine) { self.engine.withLock { $0 = engine } }

    /// Ends the worker's process at once.
    func killWorker() { engine.withLock { $0 }?.killWorker() }

    func run() async throws {
        guard let engine = engine.withLock({ $0 }) else { return }
        await withGracefulShutdownHandler {
            await engine.run()
        } onGracefulShutdown: {
            engine.shutdown()
        }
    }
}
