import Foundation
import MartletProtocol
import Testing

@testable import MartletEngine

@Suite struct SchedulingTests {
    typealias Holder = PoolPolicy.Holder

    @Test func idleEntriesAreEvictedBeforeAnyPreemptionAndPinnedOnesLast() {
        var holders = [
            Holder(index: 0, tokens: 50, time: 9, isRunning: true),
            Holder(index: 1, tokens: 20, time: 7, isRunning: false),
            Holder(index: 2, tokens: 20, time: 3, isRunning: false),
            Holder(index: 3, tokens: 0, time: 0, isRunning: false),
            Holder(index: 4, tokens: 20, time: 1, isRunning: false, isPinned: true),
        ]
        #expect(PoolPolicy.evictOne(holders) == .clear(2))
        holders.removeSubrange(1...2)
        #expect(PoolPolicy.evictOne(holders) == .clear(4))
    }

    @Test func theYoungestIsPreemptedAndTheLastNever() {
        var holders = [
            Holder(index: 0, tokens: 50, time: 2, isRunning: true),
            Holder(index: 1, tokens: 40, time: 5, isRunning: true),
        ]
        #expect(PoolPolicy.evictOne(holders) == .preempt(1))
        holders.removeLast()
        #expect(PoolPolicy.evictOne(holders) == .fail(0))
        #expect(PoolPolicy.evictOne([]) == nil)
    }

    /// A long prefix loses its end first, and at last all of it. Every eviction frees cells.
    @Test func aLongPrefixLosesItsEndFirst() {
        var counts = [4_000]
        while let count = counts.last, count > 0 {
            counts.append(PoolPolicy.keptCount(count: count, ownCount: count, kind: .attention))
        }
        #expect(counts == [4_000, 1_984, 960, 448, 0])
        #expect(PoolPolicy.keptCount(count: 4_096, ownCount: 4_096, kind: .attention) == 1_984)
        #expect(PoolPolicy.keptCount(count: 6_000, ownCount: 2_000, kind: .attention) == 0)
        #expect(PoolPolicy.keptCount(count: 6_000, ownCount: 100, kind: .attention) == 0)
        #expect(PoolPolicy.keptCount(count: 6_000, ownCount: 6_000, kind: .recurrent) == 0)
    }

    /// An idle entry leaves the KV cache when 256 tokens have passed its cells, the least recently used one first.
    @Test func entriesThatAreIdleForLongLeaveTheKVCache() {
        let holders = [
            Holder(index: 0, tokens: 50, time: 1, isRunning: true),
            Holder(index: 1, tokens: 20, time: 700, isRunning: false),
            Holder(index: 2, tokens: 20, time: 300, isRunning: false),
            Holder(index: 3, tokens: 0, time: 0, isRunning: false),
            Holder(index: 4, tokens: 20, time: 1, isRunning: false, isPinned: true),
            // The most of its cells are those of another entry.
            Holder(index: 5, tokens: 90, time: 2, isRunning: false),
        ]
        func leaving(at now: UInt64) -> Int? {
            PoolPolicy.idleForLong(holders, at: now) { $0 == 5 ? 44 : holders[$0].tokens }
        }
        #expect(leaving(at: 700) == 2)
        #expect(PoolPolicy.idleForLong(Array(holders[1...1]), at: 955) { _ in 20 } == nil)
        #expect(PoolPolicy.idleForLong(Array(holders[1...1]), at: 956) { _ in 20 } == 1)
        #expect(PoolPolicy.idleForLong(Array(holders[3...]), at: 9_999) { $0 == 5 ? 44 : 20 } == nil)
        #expect(PoolPolicy.idleForLong(Array(holders[3...]), at: 9_999) { _ in 45 } == 5)
    }

    @Test func admissionLeavesRoomForGrowth() {
        #expect(PoolPolicy.admits(tokens: 1000, committed: 0, capacity: 1000))
        #expect(PoolPolicy.admits(tokens: 100, committed: 800, capacity: 1000))
        #expect(!PoolPolicy.admits(tokens: 150, committed: 800, capacity: 1000))
    }

    /// An idle engine with a slow prefill waits for prompts that arrive a moment later, but not longer than there are
    /// free slots.
    @Test func promptsThatArriveTogetherArePrefilledTogether() throws {
        let bench = try ControlBench(sequences: 2)
        // The wait would be hours per token, so only the second prompt can end it.
        bench.loop.core.scheduler.prefillBudget = PrefillBudget(
            maximumStall: .milliseconds(60), ceiling: 512, batchingWindow: .seconds(3_600))
        bench.loop.core.scheduler.prefillBudget.observe(tokens: 1, nanoseconds: 3_600_000_000_000)
        let first = try bench.submit("Hello!")
        let request = try bench.loaded.prepare(
            GenerationRequest(handle: bench.newHandle(), prompt: RunningEngine.chat("Count from 1 to 9.")),
            submitted: .now)
        let mailbox = bench.mailbox
        let second = Thread { mailbox.post(.submit(request)) }
        second.start()
        _ = bench.loop.runStep()
        #expect(bench.board.copy.counters.decodes == 1)
        for handle in [first, request.request.handle] { #expect(bench.completion(handle).tokens.count == 1) }
    }
}
