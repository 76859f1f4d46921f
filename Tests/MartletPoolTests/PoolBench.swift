import Logging
import MartletGenerations
import MartletModels
import MartletPool
import MartletProtocol
import MartletStreams
import MartletTestSupport

/// A pool of fake models without a server. Its clock stands still unless the test advances it.
struct PoolBench {
    let models: FakeModels
    let clock = PoolClock()
    let pool: ModelPool

    /// Receives the events of all engines, which these tests do not read.
    private struct NoReceiver: EngineEventReceiver {
        func receive(_ events: [EngineEvent]) {}
        func engineStateChanged(_ state: EngineState) {}
    }

    /// Makes a pool of models that each need one byte.
    /// - Parameter room: the number of models that fit into memory.
    init(
        _ names: [String] = ["a", "b", "c"], room: UInt64 = 1, becomesReady: Bool = false,
        change: @escaping @Sendable (inout ModelDefinition) -> Void = { _ in },
        settings: (inout ModelPool.Settings) -> Void = { _ in },
        stamp: @escaping @Sendable () -> SourceStamp = { SourceStamp() }
    ) throws {
        let models = FakeModels(becomesReady: becomesReady)
        self.models = models
        var poolSettings = ModelPool.Settings(capacity: MemoryAmount(room))
        poolSettings.now = { [clock] in clock.now }
        settings(&poolSettings)
        pool = try ModelPool(
            poolSettings, receiver: NoReceiver(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            stamp: stamp
        ) { () throws(ModelSourceError) in models.catalogue(names, change) }
    }

    /// Claims a model.
    func lease(_ name: String) throws -> ModelLease { try pool.model(named: name).lease() }

    /// The newest worker of a model, when its engine is that of the model.
    /// - Parameter count: the number of loads of all models so far.
    func worker(_ name: String, afterLoads count: Int) async throws -> FakeWorker {
        await models.waitForLoads(count)
        let engine = try pool.model(named: name).engine
        while case .failed = engine.state { await Task.yield() }
        guard let worker = models.worker(name) else { throw GenerationError(.notFound, "no worker of \(name)") }
        return worker
    }

    /// Loads a model by a lease that ends at once, so that the model is idle. Its worker becomes ready by itself.
    func loadIdle(_ name: String) async throws {
        let lease = try lease(name)
        _ = try await lease.model()
        lease.end()
    }

    func status(_ name: String) throws -> ModelStatus { try pool.status(named: name) }
    func phase(_ name: String) throws -> LifecyclePolicy.Phase { try status(name).phase }

    /// Waits until a model has this phase. Ends of workers arrive on other threads.
    func wait(for phase: LifecyclePolicy.Phase, of name: String) async throws {
        while try self.phase(name) != phase { await Task.yield() }
    }
}
