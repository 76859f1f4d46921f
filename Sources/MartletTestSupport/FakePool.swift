internal import MartletGenerations
package import MartletModels
package import MartletPool
package import MartletProtocol
internal import Synchronization

/// Models whose workers are fakes.
///
/// Example: `models.worker("a")?.fake.change(to: .ready(.fake))` lets the load of `a` succeed. Thread: any.
package final class FakeModels: Sendable {
    private let guarded = Mutex(
        (
            loads: [String](), workers: [FakeWorker](), ready: true, hidden: Set<String>(),
            problems: [String: String](), scans: 0
        ))

    /// Makes models.
    /// - Parameter becomesReady: whether each worker is ready at once; otherwise a test changes its state.
    package init(becomesReady: Bool) { guarded.withLock { $0.ready = becomesReady } }

    /// The names of the loads so far, in their order.
    package var loads: [String] { guarded.withLock { $0.loads } }

    /// The number of scans of the sources so far.
    package var scanCount: Int { guarded.withLock { $0.scans } }

    /// The newest worker of a model.
    package func worker(_ name: String) -> FakeWorker? { guarded.withLock { $0.workers.last { $0.name == name } } }

    /// Removes the file of a model from the sources. The next scan does not find it.
    package func hide(_ name: String) { guarded.withLock { _ = $0.hidden.insert(name) } }

    /// Adds the file of a hidden model to the sources.
    package func show(_ name: String) { guarded.withLock { _ = $0.hidden.remove(name) } }

    /// Damages the file of a model, or repairs it. The next scan finds the problem.
    package func damage(_ name: String, _ problem: String?) { guarded.withLock { $0.problems[name] = problem } }

    /// Waits until `count` loads have begun.
    package func waitForLoads(_ count: Int) async {
        while loads.count < count { await Task.yield() }
    }

    /// The result of a scan: models that each need one byte of memory.
    package func catalogue(
        _ names: [String], _ change: @Sendable (inout ModelDefinition) -> Void = { _ in }
    ) -> ModelPool.Catalogue {
        let (hidden, problems) = guarded.withLock { guarded in
            guarded.scans += 1
            return (guarded.hidden, guarded.problems)
        }
        let definitions = names.filter { !hidden.contains($0) }.map { name in
            var configuration = GenerationConfiguration()
            configuration.modelNames = [name]
            var definition = ModelDefinition(
                model: RegisteredModel(name: name, source: .folder, paths: ["/models/\(name).gguf"]),
                configuration: configuration, plan: { () throws(ModelSourceError) in MemoryAmount(1) },
                makeWorker: { [self] receiver throws(ModelSourceError) in makeWorker(name, receiver) })
            definition.problem = problems[name]
            change(&definition)
            return definition
        }
        return ModelPool.Catalogue(registry: ModelRegistry(definitions.map(\.model)), definitions: definitions)
    }

    private func makeWorker(_ name: String, _ receiver: any EngineEventReceiver) -> FakeWorker {
        let worker = FakeWorker(name, receiver, becomesReady: guarded.withLock { $0.ready })
        guarded.withLock { guarded in
            guarded.loads.append(name)
            guarded.workers.append(worker)
        }
        return worker
    }
}

/// A worker whose engine replies with the name of its model.
///
/// Thread: any.
package final class FakeWorker: PoolWorker {
    /// The name of its model.
    package let name: String
    /// The engine, whose state a test changes.
    package let fake: FakeEngine
    private let becomesReady: Bool
    private let measured = Mutex<WorkerMemory?>(nil)
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init(_ name: String, _ receiver: any EngineEventReceiver, becomesReady: Bool) {
        self.name = name
        self.becomesReady = becomesReady
        fake = FakeEngine(
            receiver, state: .loading(LoadProgress(stage: .starting, fraction: 0)), script: .complete([name]))
        (ends, end) = AsyncStream.makeStream()
    }

    /// The fake.
    package var engine: any EngineService { fake }
    /// One line that names the model.
    package var lastLogLines: [String] { ["the last line of \(name)"] }
    /// The memory that `use` has set.
    package var memory: WorkerMemory? { measured.withLock { $0 } }

    /// Sets the memory that the worker's process uses.
    package func use(_ memory: WorkerMemory?) { measured.withLock { $0 = memory } }

    /// Becomes ready, if it does so by itself, and runs until `end`.
    package func run() async {
        if becomesReady { fake.change(to: .ready(.fake)) }
        for await _ in ends {}
    }

    /// Ends the worker as the end of a process does.
    package func end(kills: Bool) {
        // As a supervisor does: generations that run end with an error.
        for handle in fake.running { fake.fail(handle, EngineError(.shuttingDown, "the model was unloaded")) }
        end.finish()
    }
}

/// The time of a pool, which a test advances.
package final class PoolClock: Sendable {
    private let guarded = Mutex(LifecyclePolicy.Instant.now)

    /// Makes a clock that stands still.
    package init() {}

    /// The time now.
    package var now: LifecyclePolicy.Instant { guarded.withLock { $0 } }

    /// Advances the time.
    package func advance(by time: Duration) { guarded.withLock { $0 += time } }
}
