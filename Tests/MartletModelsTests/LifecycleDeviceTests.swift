import Testing

@testable import MartletModels

/// Memory of several places: the host first, then each device. A swap ends only models that use what is short.
@Suite struct LifecycleDeviceTests {
    /// A server with memory of the host and of two devices, and idle models with these needs, the oldest first.
    private static func bench(
        _ capacity: MemoryAmount, _ needs: [MemoryAmount]
    ) -> (bench: PolicyBench, models: [ModelNumber]) {
        var bench = PolicyBench(capacity: 0)
        bench.handle(.capacity(capacity))
        let models = needs.map { needs in bench.model(0) { $0.needs = needs } }
        return (bench, models)
    }

    @Test func aModelThatNeedsNothingOfADeviceEvictsNoneThere() {
        var (bench, models) = Self.bench(
            MemoryAmount(100, 10, 10), [MemoryAmount(5, 0, 8), MemoryAmount(5, 8, 0), MemoryAmount(5, 8, 0)])
        let (second, first, next) = (models[0], models[1], models[2])
        bench.loadIdle(second)
        bench.now += .seconds(1)
        bench.loadIdle(first)
        bench.now += .seconds(1)
        // `second` is older, but it has no memory of the first device.
        #expect(bench.request(next).actions == [.stop(first, kills: false)])
        #expect(bench.handle(.stopped(first)) == [.startLoad(next)])
        #expect(bench.phase(second) == .ready)
    }

    @Test func aModelThatNeedsADeviceEvictsTheIdleModelThere() {
        var (bench, models) = Self.bench(
            MemoryAmount(100, 10, 10), [MemoryAmount(5, 0, 8), MemoryAmount(5, 8, 0), MemoryAmount(5, 0, 8)])
        let (second, first, next) = (models[0], models[1], models[2])
        bench.loadIdle(first)
        bench.now += .seconds(1)
        bench.loadIdle(second)
        #expect(bench.request(next).actions == [.stop(second, kills: false)])
        #expect(bench.phase(first) == .ready)
    }

    @Test func aModelOverBothDevicesEvictsOnBoth() {
        var (bench, models) = Self.bench(
            MemoryAmount(100, 10, 10),
            [MemoryAmount(5, 0, 8), MemoryAmount(5, 8, 0), MemoryAmount(5, 0, 0), MemoryAmount(5, 6, 6)])
        for model in models.prefix(3) {
            bench.loadIdle(model)
            bench.now += .seconds(1)
        }
        let stops = bench.request(models[3]).actions
        #expect(stops == [.stop(models[0], kills: false), .stop(models[1], kills: false)])
        #expect(bench.phase(models[2]) == .ready)
    }

    @Test func aModelThatFitsBesideTheOthersEvictsNone() {
        var (bench, models) = Self.bench(
            MemoryAmount(100, 10, 10), [MemoryAmount(5, 0, 8), MemoryAmount(5, 8, 0), MemoryAmount(5, 2, 2)])
        bench.loadIdle(models[0])
        bench.loadIdle(models[1])
        #expect(bench.request(models[2]).actions == [.startLoad(models[2])])
    }

    @Test func aModelTooLargeForADeviceIsRefusedAlthoughTheHostHasRoom() {
        var (bench, models) = Self.bench(MemoryAmount(1_000, 10, 10), [MemoryAmount(5, 0, 8), MemoryAmount(5, 0, 11)])
        bench.loadIdle(models[0])
        let (number, actions) = bench.request(models[1])
        #expect(
            actions == [
                .refuse(number, .tooLarge(needed: MemoryAmount(5, 0, 11), capacity: MemoryAmount(1_000, 10, 10)))
            ])
        #expect(bench.phase(models[0]) == .ready)
    }

    /// Another program took memory of the second device.
    @Test func lessMemoryOfADeviceEvictsNothingElsewhere() {
        var (bench, models) = Self.bench(
            MemoryAmount(100, 10, 10), [MemoryAmount(5, 8, 0), MemoryAmount(5, 0, 8), MemoryAmount(5, 0, 0)])
        for model in models {
            bench.loadIdle(model)
            bench.now += .seconds(1)
        }
        #expect(bench.handle(.capacity(MemoryAmount(100, 10, 4))) == [.stop(models[1], kills: false)])
        #expect(bench.phase(models[0]) == .ready && bench.phase(models[2]) == .ready)
    }
}
