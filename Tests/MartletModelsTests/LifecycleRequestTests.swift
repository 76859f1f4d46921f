import Testing

@testable import MartletModels

/// The keep-alive of requests, requests that load nothing, loads by command, and the reasons of refusals.
@Suite struct LifecycleRequestTests {
    @Test func theKeepAliveOfARequestThatArrivesInADrainApplies() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        let first = bench.request(a, keepAlive: .idle(.zero)).number
        bench.handle(.ready(a, used: nil))
        #expect(bench.handle(.ended(first)) == [.stop(a, kills: false)])
        let (second, actions) = bench.request(a, keepAlive: .idle(.zero))
        #expect(actions == [])
        #expect(bench.handle(.stopped(a)) == [.startLoad(a)])
        #expect(bench.handle(.ready(a, used: nil)) == [.admit(second, a)])
        #expect(bench.handle(.ended(second)) == [.stop(a, kills: false)])
        // A request without a keep-alive has that of the model.
        let third = bench.request(a).number
        bench.handle(.stopped(a))
        #expect(bench.handle(.ready(a, used: nil)) == [.admit(third, a)])
        #expect(bench.handle(.ended(third)) == [])
    }

    @Test func theKeepAliveOfARequestEndsWithTheLoad() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4)
        _ = bench.request(a, keepAlive: .idle(.zero))
        bench.handle(.ready(a, used: nil))
        bench.handle(.failed(a, reason: "was killed"))
        bench.now += .seconds(10)
        bench.loadIdle(a)
        #expect(bench.phase(a) == .ready)
    }

    @Test func aRequestThatIsNotServedChangesNoKeepAlive() {
        var bench = PolicyBench(capacity: 10)
        let (a, b) = (bench.model(4), bench.model(4))
        let refused = bench.request(a, keepAlive: .idle(.zero), loads: false)
        #expect(refused.actions == [.refuse(refused.number, .notLoaded)])
        bench.loadIdle(a)
        #expect(bench.phase(a) == .ready)
        // A client that leaves before its model is loaded.
        let gone = bench.request(b, keepAlive: .idle(.zero)).number
        let other = bench.request(b).number
        bench.handle(.ended(gone))
        bench.handle(.ready(b, used: nil))
        #expect(bench.handle(.ended(other)) == [])
        #expect(bench.phase(b) == .ready)
    }

    @Test func aRequestThatLoadsNothingIsRefusedInADrain() {
        var bench = PolicyBench(capacity: 4)
        let a = bench.model(4)
        let running = bench.request(a).number
        bench.handle(.ready(a, used: nil))
        bench.handle(.unload(a, force: false))
        let refused = bench.request(a, loads: false)
        #expect(refused.actions == [.refuse(refused.number, .notLoaded)])
        #expect(bench.handle(.ended(running)) == [.stop(a, kills: false)])
        let late = bench.request(a, loads: false)
        #expect(late.actions == [.refuse(late.number, .notLoaded)])
        #expect(bench.handle(.stopped(a)) == [])
        #expect(bench.phase(a) == .unloaded)
    }

    @Test func aRequestThatLoadsNothingIsRefusedWhenItsModelHasMadeRoom() {
        var bench = PolicyBench(capacity: 4)
        let (a, b) = (bench.model(4), bench.model(4))
        let running = bench.request(a).number
        bench.handle(.ready(a, used: nil))
        _ = bench.request(b)
        // The model is ready when the request arrives, and closes in the same event.
        let (waiting, actions) = bench.request(a, loads: false, after: .seconds(30))
        #expect(actions == [])
        #expect(bench.handle(.ended(running)) == [.stop(a, kills: false)])
        #expect(bench.handle(.stopped(a)) == [.refuse(waiting, .notLoaded), .startLoad(b)])
        #expect(bench.policy.load(of: a).waiting == 0)
    }

    @Test func aRequestThatLoadsNothingDoesNotWaitForADownload() {
        var bench = PolicyBench(capacity: 4)
        let a = bench.model(4) {
            $0.isOnDisk = false
            $0.isDownloadable = true
        }
        #expect(bench.handle(.download(a)) == [.startDownload(a)])
        let refused = bench.request(a, loads: false)
        #expect(refused.actions == [.refuse(refused.number, .notLoaded)])
    }

    @Test(arguments: [false, true])
    func aLoadByCommandIsVisibleWhateverTheIdleTime(sleeps: Bool) {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) {
            if sleeps { $0.sleepAfter = .zero } else { $0.keepAlive = .idle(.zero) }
        }
        bench.handle(.load(a))
        #expect(bench.handle(.ready(a, used: nil)) == [])
        #expect(bench.phase(a) == .ready)
        #expect(bench.policy.nextDeadline(after: bench.now) == bench.now + .seconds(30))
        #expect(bench.handle(.tick, after: .seconds(29)) == [])
        // A second command begins the time again.
        #expect(bench.handle(.load(a)) == [])
        #expect(bench.handle(.tick, after: .seconds(29)) == [])
        #expect(bench.handle(.tick, after: .seconds(1)) == [.stop(a, kills: false)])
        bench.handle(.stopped(a))
        #expect(bench.phase(a) == (sleeps ? .sleeping : .unloaded))
        // The first request ends the effect of the command.
        bench.handle(.load(a))
        bench.handle(.ready(a, used: nil))
        let number = bench.request(a).number
        #expect(bench.handle(.ended(number)) == [.stop(a, kills: false)])
    }

    @Test func aLongerIdleTimeIsNotChangedByACommand() {
        var bench = PolicyBench(capacity: 10)
        let a = bench.model(4) { $0.keepAlive = .idle(.seconds(300)) }
        bench.handle(.load(a))
        bench.handle(.ready(a, used: nil))
        #expect(bench.policy.nextDeadline(after: bench.now) == bench.now + .seconds(300))
    }

    @Test func aLoadThatWaitsForRoomIsPending() {
        var bench = PolicyBench(capacity: 4)
        let (a, b) = (bench.model(4), bench.model(4))
        _ = bench.request(a)
        bench.handle(.ready(a, used: nil))
        bench.handle(.load(b))
        #expect(bench.phase(b) == .unloaded && bench.policy.isPending(b))
        bench.handle(.unload(b, force: false))
        #expect(!bench.policy.isPending(b) && !bench.policy.isPending(a))
    }

    @Test func theReasonOfARefusalIsTheLimitThatApplies() {
        var limits = LifecyclePolicy.Limits()
        limits.maximumModelCount = 1
        var bench = PolicyBench(capacity: 100, limits: limits)
        let a = bench.model(60) { $0.isPinned = true }
        let (small, large, huge) = (bench.model(1), bench.model(41), bench.model(101))
        bench.loadIdle(a)
        let expected: [(ModelNumber, LifecycleRefusal)] = [
            (small, .tooMany(limit: 1)),
            (large, .tooLargeBesidePinned(needed: MemoryAmount(41), free: MemoryAmount(40))),
            (huge, .tooLarge(needed: MemoryAmount(101), capacity: MemoryAmount(100))),
        ]
        for (model, refusal) in expected {
            let (number, actions) = bench.request(model)
            #expect(actions == [.refuse(number, refusal)])
            #expect(bench.policy.preview(of: model).refusal == refusal)
        }
        #expect(bench.policy.preview(of: a).canEverFit)
    }
}
