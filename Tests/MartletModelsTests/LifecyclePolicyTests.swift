import Testing

@testable import MartletModels

/// A policy with a manual clock. Models are registered by their needs; host memory only.
struct PolicyBench {
    var policy: LifecyclePolicy
    var now = ContinuousClock.now
    private var nextRequest: UInt64 = 0

    init(capacity: UInt64, limits: LifecyclePolicy.Limits = .init()) {
        policy = LifecyclePolicy(capacity: MemoryAmount(capacity), limits: limits)
    }

    mutating func model(
        _ needs: UInt64, _ change: (inout LifecyclePolicy.Registration) -> Void = { _ in }
    ) -> ModelNumber {
        var registration = LifecyclePolicy.Registration(needs: MemoryAmount(needs))
        change(&registration)
        return policy.register(registration, at: now)
    }

    @discardableResult
    mutating func handle(_ event: LifecycleEvent, after time: Duration = .zero) -> [LifecycleAction] {
        now += time
        return policy.handle(event, at: now)
    }

    /// Adds a request.
    mutating func request(
        _ model: ModelNumber, keepAlive: LifecyclePolicy.KeepAlive? = nil, loads: Bool = true,
        after time: Duration = .zero
    ) -> (number: RequestNumber, actions: [LifecycleAction]) {
        nextRequest += 1
        let number = RequestNumber(nextRequest)
        return (number, handle(.request(number, model, keepAlive: keepAlive, loadsOnDemand: loads), after: time))
    }

    /// Loads a model with a request that ends at once, so that the model is idle.
    mutating func loadIdle(_ model: ModelNumber) {
        let number = request(model).number
        handle(.ready(model, used: nil))
        handle(.ended(number))
    }

    func phase(_ model: ModelNumber) -> LifecyclePolicy.Phase { policy.phase(of: model) }
}

@Suite struct LifecyclePolicyTests {
    @Test func aRequestLoadsItsModelOnDemand() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        let (first, actions) = bench.request(a)
        #expect(actions == [.startLoad(a)])
        #expect(bench.handle(.ready(a, used: nil)) == [.admit(first, a)])
        let (second, more) = bench.request(a)
        #expect(more == [.admit(second, a)])
    }

    @Test func aRequestWithoutAutoloadIsRefusedIfItsModelIsNotLoaded() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        let (number, actions) = bench.request(a, loads: false)
        #expect(actions == [.refuse(number, .notLoaded)])
    }

    @Test func theLeastRecentlyUsedIdleModelIsEvicted() {
        var bench = PolicyBench(capacity: 10)
        let (a, b, c) = (bench.model(4), bench.model(4), bench.model(4))
        bench.loadIdle(a)
        bench.now += .seconds(1)
        bench.loadIdle(b)
        bench.now += .seconds(1)
        let number = bench.request(a).number
        bench.handle(.ended(number))
        #expect(bench.request(c).actions == [.stop(b, kills: false)])
        #expect(bench.handle(.stopped(b)) == [.startLoad(c)])
    }

    @Test func asFewModelsAsPossibleAreEvicted() {
        var bench = PolicyBench(capacity: 10)
        let (small, large, next) = (bench.model(2), bench.model(7), bench.model(8))
        bench.loadIdle(small)
        bench.now += .seconds(1)
        bench.loadIdle(large)
        // The small model is older, but the large one has to go in any case and is enough.
        #expect(bench.request(next).actions == [.stop(large, kills: false)])
        #expect(bench.phase(small) == .ready)
    }

    @Test func aModelThatGeneratesIsNeverEvicted() {
        var bench = PolicyBench(capacity: 4)
        let (a, b) = (bench.model(4), bench.model(4))
        let running = bench.request(a).number
        bench.handle(.ready(a, used: nil))
        #expect(bench.request(b).actions == [])
        #expect(bench.handle(.tick, after: .seconds(1_000)) == [])
        #expect(bench.handle(.ended(running)) == [.stop(a, kills: false)])
    }

    @Test func aPinnedModelIsNeverEvicted() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(6) { $0.isPinned = true }
        let b = bench.model(6)
        bench.loadIdle(a)
        let (number, actions) = bench.request(b)
        #expect(
            actions == [.refuse(number, .tooLargeBesidePinned(needed: MemoryAmount(6), free: MemoryAmount(4)))])
        bench.handle(.pin(a, false))
        #expect(bench.request(b).actions == [.stop(a, kills: false)])
    }

    @Test func theNumberOfLoadedModelsHasALimit() {
        var limits = LifecyclePolicy.Limits()
        limits.maximumModelCount = 1
        var bench = PolicyBench(capacity: 100, limits: limits)
        let (a, b) = (bench.model(1), bench.model(1))
        bench.loadIdle(a)
        #expect(bench.request(b).actions == [.stop(a, kills: false)])
    }

    @Test func aModelThatCannotFitIsRefusedAtOnceWithTheNumbers() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(11)
        let (number, actions) = bench.request(a)
        #expect(actions == [.refuse(number, .tooLarge(needed: MemoryAmount(11), capacity: MemoryAmount(10)))])
        var devices = LifecyclePolicy(capacity: MemoryAmount(100, 10))
        let b = devices.register(.init(needs: MemoryAmount(1, 11)), at: bench.now)
        let refused = devices.handle(.request(RequestNumber(1), b), at: bench.now)
        #expect(
            refused == [
                .refuse(RequestNumber(1), .tooLarge(needed: MemoryAmount(1, 11), capacity: MemoryAmount(100, 10)))
            ])
    }

    @Test func requestsOfAModelAreServedTogetherSoThatSwapsAreFew() {
        var bench = PolicyBench(capacity: 4)
        let models = [bench.model(4), bench.model(4), bench.model(4)]
        var loads: [ModelNumber] = []
        var admitted: [ModelNumber] = []
        var running: [RequestNumber] = []
        func note(_ actions: [LifecycleAction], _ pending: inout [LifecycleEvent]) {
            for action in actions {
                switch action {
                case .startLoad(let model):
                    loads.append(model)
                    pending.append(.ready(model, used: nil))
                case .stop(let model, kills: false): pending.append(.stopped(model))
                case .admit(let request, let model):
                    admitted.append(model)
                    running.append(request)
                default: Issue.record("unexpected: \(action)")
                }
            }
        }
        var pending: [LifecycleEvent] = []
        for index in [0, 1, 0, 0, 2, 0, 1, 2] { note(bench.request(models[index]).actions, &pending) }
        while !pending.isEmpty || !running.isEmpty {
            if pending.isEmpty { pending.append(.ended(running.removeFirst())) }
            note(bench.handle(pending.removeFirst(), after: .milliseconds(10)), &pending)
        }
        #expect(loads == models)
        #expect(admitted == [0, 0, 0, 0, 1, 1, 2, 2].map { models[$0] })
    }

    @Test func aBusyModelDrainsWhenItsRequestsHaveOvertakenOftenEnough() {
        var limits = LifecyclePolicy.Limits()
        limits.maximumOvertakingCount = 2
        var bench = PolicyBench(capacity: 4, limits: limits)
        let (a, b) = (bench.model(4), bench.model(4))
        let first = bench.request(a).number
        bench.handle(.ready(a, used: nil))
        _ = bench.request(b)
        let second = bench.request(a)
        let third = bench.request(a)
        #expect(second.actions == [.admit(second.number, a)])
        #expect(third.actions == [.admit(third.number, a)])
        #expect(bench.phase(a) == .draining(.init(purpose: .swap)))
        #expect(bench.request(a).actions == [])
        for number in [first, second.number] { #expect(bench.handle(.ended(number)) == []) }
        #expect(bench.handle(.ended(third.number)) == [.stop(a, kills: false)])
        #expect(bench.handle(.stopped(a)) == [.startLoad(b)])
    }

    @Test func aBusyModelDrainsWhenAnotherOneHasWaitedLongEnough() {
        var bench = PolicyBench(capacity: 4)
        let (a, b) = (bench.model(4), bench.model(4))
        let first = bench.request(a).number
        bench.handle(.ready(a, used: nil))
        _ = bench.request(b)
        #expect(bench.policy.nextDeadline(after: bench.now) == bench.now + .seconds(30))
        bench.handle(.tick, after: .seconds(30))
        #expect(bench.request(a).actions == [])
        #expect(bench.handle(.ended(first)) == [.stop(a, kills: false)])
    }

    @Test func aDrainForASwapEndsIfNoModelWaitsAnyMore() {
        var bench = PolicyBench(capacity: 4)
        let (a, b) = (bench.model(4), bench.model(4))
        _ = bench.request(a)
        bench.handle(.ready(a, used: nil))
        let waiting = bench.request(b).number
        bench.handle(.tick, after: .seconds(30))
        let later = bench.request(a).number
        #expect(bench.handle(.ended(waiting)) == [.admit(later, a)])
        #expect(bench.phase(a) == .ready)
    }

    @Test func aLoadThatNoRequestNeedsIsCancelled() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        let number = bench.request(a).number
        #expect(bench.handle(.ended(number)) == [.stop(a, kills: true)])
        #expect(bench.handle(.stopped(a)) == [])
        #expect(bench.phase(a) == .unloaded)
    }

    @Test func aLoadByCommandIsNotCancelled() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        #expect(bench.handle(.load(a)) == [.startLoad(a)])
        let number = bench.request(a).number
        #expect(bench.handle(.ended(number)) == [])
        #expect(bench.handle(.ready(a, used: nil)) == [])
        #expect(bench.phase(a) == .ready)
    }

    @Test func anUnloadDrainsAndIsAbandonedAtItsDeadline() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        let number = bench.request(a).number
        bench.handle(.ready(a, used: nil))
        #expect(bench.handle(.unload(a, force: false)) == [])
        #expect(bench.request(a).actions == [])
        let late = bench.handle(.tick, after: .seconds(60))
        #expect(late.first == .unloadAbandoned(a) && late.count == 2)
        bench.handle(.unload(a, force: false))
        #expect(bench.handle(.ended(number)) == [])
        #expect(bench.handle(.unload(a, force: true)) == [.stop(a, kills: true)])
    }

    @Test func anUnloadOfAnIdleModelEndsItsWorker() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        bench.loadIdle(a)
        #expect(bench.handle(.unload(a, force: false)) == [.stop(a, kills: false)])
        bench.handle(.stopped(a))
        #expect(bench.phase(a) == .unloaded)
    }

    @Test func keepAliveOfARequestOverridesThatOfTheModel() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) { $0.keepAlive = .idle(.seconds(300)) }
        let number = bench.request(a, keepAlive: .idle(.zero)).number
        bench.handle(.ready(a, used: nil))
        #expect(bench.handle(.ended(number)) == [.stop(a, kills: false)])
        bench.handle(.stopped(a))
        // A refused request changes nothing.
        _ = bench.request(a, keepAlive: .idle(.zero), loads: false)
        bench.loadIdle(a)
        #expect(bench.policy.nextDeadline(after: bench.now) == bench.now + .seconds(300))
        #expect(bench.handle(.tick, after: .seconds(299)) == [])
        #expect(bench.handle(.tick, after: .seconds(1)) == [.stop(a, kills: false)])
    }

    @Test func anIdleModelSleepsAndTheNextRequestWakesIt() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) { $0.sleepAfter = .seconds(10) }
        bench.loadIdle(a)
        #expect(bench.handle(.tick, after: .seconds(10)) == [.stop(a, kills: false)])
        bench.handle(.stopped(a))
        #expect(bench.phase(a) == .sleeping)
        #expect(bench.request(a).actions == [.startLoad(a)])
    }

    @Test func aRunningGenerationPreventsSleep() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) { $0.sleepAfter = .seconds(10) }
        _ = bench.request(a)
        bench.handle(.ready(a, used: nil))
        #expect(bench.handle(.tick, after: .seconds(100)) == [])
    }

    @Test func anUnforeseenShortageEvictsOneIdleModelAndRetriesOnce() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        bench.loadIdle(a)
        let number = bench.request(b).number
        #expect(bench.handle(.outOfMemory(b, used: MemoryAmount(5))) == [.stop(a, kills: false)])
        #expect(bench.policy.needs(of: b) == MemoryAmount(5))
        // The retry waits for the end of the evicted worker although the numbers would fit before.
        #expect(bench.phase(b) == .unloaded)
        #expect(bench.handle(.stopped(a)) == [.startLoad(b)])
        bench.loadIdle(a)
        let again = bench.handle(.outOfMemory(b, used: nil))
        #expect(again == [.refuse(number, .failed("ran out of memory while it loaded"))])
    }

    @Test func thePlanLearnsTheMemoryThatAModelReallyUses() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        _ = bench.request(a)
        bench.handle(.ready(a, used: MemoryAmount(7)))
        #expect(bench.policy.needs(of: a) == MemoryAmount(7))
        #expect(bench.request(b).actions == [])
    }

    @Test func aFailedModelHasItsReasonAndIsTriedAgainAfterAPause() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        bench.loadIdle(b)
        let number = bench.request(a).number
        #expect(bench.handle(.failed(a, reason: "is cut off")) == [.refuse(number, .failed("is cut off"))])
        #expect(bench.phase(a) == .failed("is cut off") && bench.phase(b) == .ready)
        let early = bench.request(a, after: .seconds(4))
        #expect(early.actions == [.refuse(early.number, .failed("is cut off"))])
        #expect(bench.request(a, after: .seconds(1)).actions == [.startLoad(a)])
        bench.handle(.failed(a, reason: "is cut off"))
        let second = bench.request(a, after: .seconds(9))
        #expect(second.actions == [.refuse(second.number, .failed("is cut off"))])
        #expect(bench.handle(.load(a)) == [.startLoad(a)])
    }

    @Test func anAbsentModelIsDownloadedOnceForAllRequests() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) {
            $0.isOnDisk = false
            $0.isDownloadable = true
        }
        let first = bench.request(a)
        #expect(first.actions == [.startDownload(a)])
        #expect(bench.request(a).actions == [])
        #expect(bench.handle(.download(a)) == [])
        #expect(bench.handle(.downloadEnded(a, problem: nil)) == [.startLoad(a)])
    }

    @Test func aDownloadThatDiesLeavesAModelThatCanBeRequestedAgain() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) {
            $0.isOnDisk = false
            $0.isDownloadable = true
        }
        let first = bench.request(a).number
        #expect(bench.handle(.downloadEnded(a, problem: "was cut")) == [.refuse(first, .failed("was cut"))])
        #expect(bench.phase(a) == .absent)
        #expect(bench.request(a).actions == [.startDownload(a)])
    }

    @Test func aDownloadThatNoRequestNeedsIsCancelled() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) {
            $0.isOnDisk = false
            $0.isDownloadable = true
        }
        let number = bench.request(a).number
        #expect(bench.handle(.ended(number)) == [.cancelDownload(a)])
        #expect(bench.handle(.downloadEnded(a, problem: "was cancelled")) == [])
        let absent = bench.model(1) { $0.isOnDisk = false }
        let other = bench.request(absent)
        #expect(other.actions == [.refuse(other.number, .absent)])
    }

    @Test func lessMemoryEvictsIdleModelsOnly() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        _ = bench.request(a)
        bench.handle(.ready(a, used: nil))
        bench.loadIdle(b)
        #expect(bench.handle(.capacity(MemoryAmount(2))) == [.stop(b, kills: false)])
        #expect(bench.phase(a) == .ready)
    }
}
