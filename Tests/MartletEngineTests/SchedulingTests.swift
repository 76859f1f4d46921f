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
            Holder(index: 0, tokens: 50, time: 1, isRunning: true, passedCount: 900),
            Holder(index: 1, tokens: 20, time: 7, isRunning: false, passedCount: 255),
            Holder(index: 2, tokens: 20, time: 3, isRunning: false, passedCount: 400),
            Holder(index: 3, tokens: 20, time: 4, isRunning: false, passedCount: 390),
            Holder(index: 4, tokens: 0, time: 0, isRunning: false, passedCount: 900),
            Holder(index: 5, tokens: 20, time: 1, isRunning: false, isPinned: true, passedCount: 900),
        ]
        #expect(PoolPolicy.idleForLong(holders) { holders[$0].tokens } == 2)
        #expect(PoolPolicy.idleForLong(Array(holders[0...1])) { _ in 20 } == nil)
        #expect(PoolPolicy.idleForLong(Array(holders[0...1]), pending: 1) { _ in 20 } == 1)
        // An entry that shares half of its cells leaves after 512 tokens, and never while it shares all of them.
        #expect(PoolPolicy.idleForLong(Array(holders[2...2]), pending: 111) { _ in 10 } == nil)
        #expect(PoolPolicy.idleForLong(Array(holders[2...2]), pending: 112) { _ in 10 } == 2)
        #expect(PoolPolicy.idleForLong(Array(holders[2...2]), pending: 1_000_000) { _ in 0 } == nil)
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
