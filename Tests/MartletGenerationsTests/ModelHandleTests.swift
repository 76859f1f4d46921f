import Logging
import MartletGenerations
import MartletProtocol
import MartletStreams
import MartletTestSupport
import NIOPosix
import Synchronization
import Testing

/// Requests of several models, whose leases the test resolves.
@Suite struct ModelHandleTests {
    /// Models by name. A lease waits until the test resolves it, unless the model is ready.
    private final class Directory: ModelDirectory {
        let models = Mutex<[String: ModelHandle]>([:])

        func model(named name: String?) throws(GenerationError) -> ModelHandle {
            guard let handle = models.withLock({ $0[name ?? ""] }) else {
                throw .unknownModel("no model \(name ?? "")")
            }
            return handle
        }
        func model(ofJournal name: String) -> ModelHandle? { models.withLock { $0[name] } }
        func warning(about name: String?) -> String? { nil }
        var all: [ModelHandle] { models.withLock { Array($0.values) } }
    }

    /// The counts of the leases of one model.
    private final class Leases: Sendable {
        let open = Mutex<[ModelLease]>([])
        let endCount = Mutex(0)
    }

    private final class Bench: Sendable {
        let registry = GenerationRegistry()
        let directory = Directory()
        let engines: [FakeEngine]
        let leases = [Leases(), Leases()]
        let service: CompletionService

        init() {
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            var engines: [FakeEngine] = []
            for (index, name) in ["a", "b"].enumerated() {
                var configuration = GenerationConfiguration()
                configuration.modelNames = [name]
                let readiness = ModelReadiness(configuration: configuration, logger: logger)
                readiness.unload()
                let engine = FakeEngine(registry, state: .ready(.fake), script: .admit)
                engines.append(engine)
                let leases = leases[index]
                let handle = ModelHandle(configuration: configuration, engine: engine, readiness: readiness) { _ in
                    let lease = ModelLease { leases.endCount.withLock { $0 += 1 } }
                    if let model = readiness.model {
                        lease.resolve(.success(model))
                    } else {
                        leases.open.withLock { $0.append(lease) }
                    }
                    return lease
                }
                directory.models.withLock { $0[name] = handle }
            }
            self.engines = engines
            service = CompletionService(
                configuration: GenerationConfiguration(), models: directory, registry: registry, loops: ReaderLoops(),
                shutdown: ShutdownFlag(), reasoningCounts: ReasoningTokenCounts())
        }

        func begin(_ model: String) throws -> Generation {
            let plan = Core.text(["Hi"], Core.options { $0.model = model })
            return try service.begin(
                plan, GenerationTerms(owner: .open, lifetime: .background),
                on: MultiThreadedEventLoopGroup.singleton.any())
        }

        func load(_ index: Int) throws {
            let handle = try directory.model(named: ["a", "b"][index])
            handle.readiness.engineStateChanged(.ready(.fake))
            let model = try handle.readyModel()
            for lease in leases[index].open.withLock({ $0 }) { lease.resolve(.success(model)) }
        }
    }

    @Test func aGenerationRunsInTheEngineOfItsModelAndEndsItsLease() async throws {
        let bench = Bench()
        try bench.load(0)
        let first = try bench.begin("a")
        let second = try bench.begin("b")
        #expect(first.spec.head.model == "a" && second.spec.head.model == "b")
        #expect(bench.engines[0].requests.map(\.handle) == [first.handle])
        #expect(bench.engines[1].requests.isEmpty)
        try bench.load(1)
        let submitted = await bench.engines[1].request(0)
        #expect(submitted.handle == second.handle)
        #expect(bench.leases[1].endCount.withLock { $0 } == 0)
        bench.engines[1].finish(second.handle)
        #expect(bench.leases[1].endCount.withLock { $0 } == 1)
        #expect(bench.leases[0].endCount.withLock { $0 } == 0)
        // A cancellation goes to the engine of the generation.
        bench.registry.cancel(first.handle)
        #expect(bench.engines[0].cancelled.contains(first.handle))
        #expect(!bench.engines[1].cancelled.contains(first.handle))
    }

    @Test func aGenerationThatIsCancelledBeforeItsModelIsLoadedEndsItsLease() async throws {
        let bench = Bench()
        let generation = try bench.begin("b")
        bench.registry.cancel(generation.handle)
        #expect(bench.leases[1].endCount.withLock { $0 } == 1)
        try bench.load(1)
        #expect(bench.engines[1].requests.isEmpty)
    }

    @Test func aRefusedLoadIsTheEndOfTheGeneration() async throws {
        let bench = Bench()
        let generation = try bench.begin("b")
        for lease in bench.leases[1].open.withLock({ $0 }) {
            lease.resolve(.failure(GenerationError(.failed, "b cannot be loaded")))
        }
        await generation.log.waitForEnd()
        guard case .failed(let error) = generation.log.terminalEvent else { Issue.record("no failure"); return }
        #expect(error.message == "b cannot be loaded")
        #expect(bench.leases[1].endCount.withLock { $0 } == 1)
    }

    @Test func aLeaseIsResolvedOnceAndEndsOnce() async throws {
        let count = Mutex(0)
        let lease = ModelLease { count.withLock { $0 += 1 } }
        lease.resolve(.failure(GenerationError(.failed, "first")))
        lease.resolve(.failure(GenerationError(.failed, "second")))
        await #expect(throws: GenerationError(.failed, "first")) { try await lease.model() }
        lease.end()
        lease.end()
        #expect(count.withLock { $0 } == 1)
    }

    @Test func aCancelledTaskEndsItsLease() async throws {
        let count = Mutex(0)
        let lease = ModelLease { count.withLock { $0 += 1 } }
        let waiting = Task { try await lease.model() }
        waiting.cancel()
        await #expect(throws: GenerationError.self) { try await waiting.value }
        #expect(count.withLock { $0 } == 1)
    }

    @Test func theLastModelIsKnownAfterAnUnload() throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let readiness = ModelReadiness(configuration: GenerationConfiguration(), logger: logger)
        readiness.engineStateChanged(.ready(.fake))
        readiness.unload()
        #expect(readiness.model == nil && readiness.lastModel?.information == .fake)
        #expect(readiness.unavailability.message == "The model is not loaded")
        readiness.engineStateChanged(.loading(LoadProgress(stage: .textModel, fraction: 0.5)))
        #expect(readiness.unavailability.message == "Loading model")
        readiness.engineStateChanged(.ready(.fake))
        #expect(readiness.model != nil)
    }
}
