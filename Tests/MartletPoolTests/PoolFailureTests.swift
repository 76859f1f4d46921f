import MartletGenerations
import MartletModels
import MartletPool
import MartletProtocol
import MartletStreams
import MartletTestSupport
import NIOCore
import NIOPosix
import Testing

/// Workers that die, run out of memory, or are replaced.
@Suite struct PoolFailureTests {
    /// The changes behind a cursor, as short texts.
    private static func changes(_ log: ModelEventLog, from cursor: ModelEventLog.Cursor) async -> [String] {
        var cursor = cursor
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        guard case .events(let events) = await log.read(&cursor, upTo: .zero, on: eventLoop) else { return [] }
        return events.map { event in
            switch event.change {
            case .status(let status):
                "\(status.name) \(status.phase)\(status.isRestarting ? " restarting" : "")\(status.lastError.map { ": \($0)" } ?? "")"
            case .reloaded: "reloaded"
            default: "another change"
            }
        }
    }

    @Test func aWorkerThatIsReplacedIsReportedTwice() async throws {
        let bench = try PoolBench(["a"], becomesReady: true)
        try await bench.loadIdle("a")
        let fake = try await bench.worker("a", afterLoads: 1).fake
        let cursor = bench.pool.events.end
        fake.change(to: .restarting(EngineError(.engineLost, "the worker was killed")))
        #expect(try bench.status("a").isRestarting)
        fake.change(to: .ready(.fake))
        #expect(try !bench.status("a").isRestarting)
        let changes = await Self.changes(bench.pool.events, from: cursor)
        #expect(changes == ["a ready restarting: the worker was killed", "a ready"])
        await bench.pool.shutDown()
    }

    @Test func aLoadedModelWhoseSupervisorGivesUpIsFailedWithItsLog() async throws {
        let bench = try PoolBench(["a"], becomesReady: true)
        try await bench.loadIdle("a")
        let fake = try await bench.worker("a", afterLoads: 1).fake
        fake.change(to: .failed(EngineError(.engineLost, "the engine of a was lost for the 10th time")))
        let reason = "the engine of a was lost for the 10th time\nits log ended with:\nthe last line of a"
        #expect(try bench.phase("a") == .failed(reason))
        // A request at once is refused; after the pause the model is loaded again.
        let early = try bench.lease("a")
        #expect(throws: GenerationError.self) { try early.result?.get() }
        bench.clock.advance(by: .seconds(5))
        try await bench.loadIdle("a")
        #expect(bench.models.loads == ["a", "a"])
        // The model did not serve for long, so the next pause is longer.
        try await bench.worker("a", afterLoads: 2).fake.change(to: .failed(EngineError(.engineLost, "lost again")))
        bench.clock.advance(by: .seconds(9))
        #expect(throws: GenerationError.self) { try bench.lease("a").result?.get() }
        bench.clock.advance(by: .seconds(1))
        try await bench.loadIdle("a")
        #expect(bench.models.loads.count == 3)
        await bench.pool.shutDown()
    }

    @Test func aLoadWithoutMemoryEvictsAnIdleModelAndIsRepeatedOnce() async throws {
        let bench = try PoolBench(["a", "b"], room: 100)
        let first = try bench.lease("a")
        try await bench.worker("a", afterLoads: 1).fake.change(to: .ready(.fake))
        _ = try await first.model()
        first.end()
        let second = try bench.lease("b")
        let shortage = EngineError(.outOfMemory, "the worker process of b was killed by the system")
        try await bench.worker("b", afterLoads: 2).fake.change(to: .failed(shortage))
        try await bench.wait(for: .unloaded, of: "a")
        try await bench.worker("b", afterLoads: 3).fake.change(to: .failed(shortage))
        let refused = await #expect(throws: GenerationError.self) { try await second.model() }
        #expect(refused?.message.contains("killed by the system\nits log ended with:\nthe last line of b") == true)
        #expect(bench.models.loads == ["a", "b", "b"])
        await bench.pool.shutDown()
    }

    @Test func aLoadedModelWithoutMemoryEvictsAnIdleModelWhileItsWorkerIsReplaced() async throws {
        let bench = try PoolBench(
            ["a", "b"], room: 100, becomesReady: true,
            change: { $0.plan = { () throws(ModelSourceError) in MemoryAmount(16) } })
        try await bench.loadIdle("a")
        bench.clock.advance(by: .seconds(1))
        try await bench.loadIdle("b")
        try await bench.worker("b", afterLoads: 2).fake
            .change(to: .restarting(EngineError(.outOfMemory, "the worker was killed by the system")))
        try await bench.wait(for: .unloaded, of: "a")
        #expect(try bench.phase("b") == .ready)
        #expect(try bench.status("b").needs == MemoryAmount(18))
        await bench.pool.shutDown()
    }

    @Test func thePlanLearnsFromTheProcessAndNeverLess() async throws {
        let bench = try PoolBench(
            ["a", "b"], room: 100, becomesReady: true,
            change: { $0.plan = { () throws(ModelSourceError) in MemoryAmount(40) } })
        try await bench.loadIdle("a")
        let worker = try await bench.worker("a", afterLoads: 1)
        worker.use(WorkerMemory(resident: 20, peak: 30))
        bench.pool.measureAll()
        var status = try bench.status("a")
        #expect(status.plan == MemoryAmount(40) && status.needs == MemoryAmount(40))
        #expect(status.memory == WorkerMemory(resident: 20, peak: 30))
        worker.use(WorkerMemory(resident: 50, peak: 70))
        bench.clock.advance(by: .seconds(1))
        // The end of a request measures, too.
        try await bench.loadIdle("a")
        status = try bench.status("a")
        #expect(status.plan == MemoryAmount(40) && status.needs == MemoryAmount(70))
        // Both would have fitted by their plans.
        try await bench.loadIdle("b")
        #expect(try bench.phase("a") == .unloaded)
        // The figure outlives the load, and no model learns that it is too large for the server.
        try await bench.loadIdle("a")
        try await bench.worker("a", afterLoads: 3).use(WorkerMemory(resident: 500, peak: 500))
        bench.pool.measureAll()
        #expect(try bench.status("a").needs == MemoryAmount(100))
        await bench.pool.shutDown()
    }

    @Test func aForcedUnloadRefusesTheRequestsThatWait() async throws {
        // With room for one and an older request of b, a later request of a waits although a is loaded.
        let bench = try PoolBench(["a", "b"], settings: { $0.limits.maximumOvertakingCount = 0 })
        let running = try bench.lease("a")
        try await bench.worker("a", afterLoads: 1).fake.change(to: .ready(.fake))
        _ = try await running.model()
        let other = try bench.lease("b")
        let waiting = try bench.lease("a")
        #expect(waiting.result == nil && other.result == nil)
        _ = try bench.pool.unload("a", force: true)
        let error = #expect(throws: GenerationError.self) { try waiting.result?.get() }
        #expect(error?.code == "model_unloaded" && error?.kind == .unavailable)
        try await bench.worker("b", afterLoads: 2).fake.change(to: .ready(.fake))
        _ = try await other.model()
        #expect(bench.models.loads == ["a", "b"])
        await bench.pool.shutDown()
    }
}
