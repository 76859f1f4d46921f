import Testing

@testable import MartletModels

/// The needs and the pauses that the policy learns from processes and from failures.
@Suite struct LifecycleMemoryTests {
    @Test func aMeasurementRaisesTheNeedUpToTheCapacity() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        bench.handle(.measured(a, used: MemoryAmount(9)))
        #expect(bench.policy.needs(of: a) == MemoryAmount(4), "it is not loaded")
        bench.loadIdle(a)
        bench.handle(.measured(a, used: MemoryAmount(3)))
        #expect(bench.policy.needs(of: a) == MemoryAmount(4))
        bench.now += .seconds(1)
        bench.loadIdle(b)
        // Both do not fit any more, so the least recently used one goes.
        #expect(bench.handle(.measured(b, used: MemoryAmount(12))) == [.stop(a, kills: false)])
        #expect(bench.policy.needs(of: b) == MemoryAmount(10))
    }

    /// A worker's caches grow beyond its plan and end with it.
    @Test func measuredMemoryCountsUntilTheWorkerEnds() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        bench.loadIdle(a)
        bench.handle(.measured(a, used: MemoryAmount(9)))
        bench.now += .seconds(1)
        #expect(bench.request(b).actions == [.stop(a, kills: false)])
        #expect(bench.handle(.stopped(a)) == [.startLoad(b)])
        bench.handle(.ready(b, used: nil))
        #expect(bench.request(a).actions == [.startLoad(a)], "both fit again")
        #expect(bench.policy.needs(of: a) == MemoryAmount(4))
    }

    @Test func aLoadedModelThatRunsShortOfMemoryEvictsOneIdleModel() {
        var bench = PolicyBench(capacity: 100)
        let (a, b, c) = (bench.model(8), bench.model(8), bench.model(16))
        bench.loadIdle(a)
        bench.now += .seconds(1)
        bench.loadIdle(b)
        bench.now += .seconds(1)
        bench.loadIdle(c)
        #expect(bench.handle(.shortage(c)) == [.stop(a, kills: false)])
        #expect(bench.policy.needs(of: c) == MemoryAmount(18))
        #expect(bench.phase(c) == .ready && bench.phase(b) == .ready)
    }

    @Test func failuresSoonAfterALoadThatSucceededAreARow() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        var pauses: [Duration] = []
        for life in [1, 1, 299, 300, 1] {
            bench.loadIdle(a)
            bench.handle(.failed(a, reason: "dies"), after: .seconds(life))
            var pause = Duration.zero
            while case .refuse? = bench.request(a).actions.first {
                pause += .seconds(1)
                bench.now += .seconds(1)
            }
            pauses.append(pause)
            bench.handle(.failed(a, reason: "unused load"))
            bench.handle(.load(a))
            bench.handle(.unload(a, force: true))
            bench.handle(.stopped(a))
        }
        // The failed loads between count, too; a model that served for five minutes begins a new row.
        #expect(pauses.map(\.components.seconds) == [5, 20, 80, 5, 20])
    }

    @Test func aForcedUnloadRefusesWaitingRequestsInsteadOfLoadingAgain() {
        var limits = LifecyclePolicy.Limits()
        limits.maximumOvertakingCount = 0
        var bench = PolicyBench(capacity: 4, limits: limits)
        let (a, b) = (bench.model(4), bench.model(4))
        _ = bench.request(a)
        bench.handle(.ready(a, used: nil))
        _ = bench.request(b)
        let waiting = bench.request(a)
        #expect(waiting.actions == [])
        #expect(bench.handle(.unload(a, force: true)) == [.refuse(waiting.number, .unloaded), .stop(a, kills: true)])
        #expect(bench.handle(.stopped(a)) == [.startLoad(b)])
    }
}
