import Foundation
import MartletProtocol
import Testing

@testable import MartletEngine

@Suite struct SchedulingTests {
    typealias Idle = SlotPolicy.Holder

    @Test func longestCommonBeginningWins() {
        let choice = SlotPolicy.choose(
            for: [1, 2, 3, 4, 5],
            among: [
                Idle(index: 0, tokens: [1, 2], lastUsed: 9), Idle(index: 1, tokens: [1, 2, 3, 9], lastUsed: 1),
                Idle(index: 2, tokens: [], lastUsed: 0),
            ], reuses: true)
        #expect(choice == .init(index: 1, reusable: 3))
    }

    @Test func lastTokenOfAPromptIsAlwaysComputed() {
        let choice = SlotPolicy.choose(
            for: [1, 2, 3], among: [Idle(index: 0, tokens: [1, 2, 3, 4], lastUsed: 0)], reuses: true)
        #expect(choice == .init(index: 0, reusable: 2))
    }

    @Test func aMuchLongerPrefixInARunningSlotIsCopied() {
        let prompt = (0..<200).map { Int32($0) }
        var holders = [
            Idle(index: 0, tokens: prompt[..<40], lastUsed: 9), Idle(index: 1, tokens: [], lastUsed: 0),
            Idle(index: 2, tokens: prompt[..<120], lastUsed: 5, isIdle: false),
        ]
        let choice = SlotPolicy.choose(for: prompt, among: holders, reuses: true)
        #expect(choice == .init(index: 1, reusable: 120, source: 2))
        holders[2].tokens = prompt[..<103]
        #expect(SlotPolicy.choose(for: prompt, among: holders, reuses: true) == .init(index: 0, reusable: 40))
        holders[0].isIdle = false
        holders[1].isIdle = false
        #expect(SlotPolicy.choose(for: prompt, among: holders, reuses: true) == nil)
    }

    @Test func aSmallSharedPrefixDoesNotEvictAConversation() {
        let prompt = [1] + (100..<200).map { Int32($0) }
        let idle = [Idle(index: 0, tokens: [1, 7, 8], lastUsed: 5), Idle(index: 1, tokens: [], lastUsed: 9)]
        #expect(SlotPolicy.choose(for: prompt, among: idle, reuses: true) == .init(index: 1, reusable: 0))
    }

    @Test func withoutReuseAnEmptySlotAndThenTheOldestIsSelected() {
        var idle = [
            Idle(index: 0, tokens: [1, 2], lastUsed: 5), Idle(index: 1, tokens: [1], lastUsed: 3),
            Idle(index: 2, tokens: [], lastUsed: 8),
        ]
        #expect(SlotPolicy.choose(for: [1, 2], among: idle, reuses: false) == .init(index: 2, reusable: 0))
        idle.removeLast()
        #expect(SlotPolicy.choose(for: [1, 2], among: idle, reuses: false) == .init(index: 1, reusable: 0))
        #expect(SlotPolicy.choose(for: [1, 2], among: [], reuses: true) == nil)
    }

    @Test func queueIsInOrderOfArrivalExceptForPreemptedSequences() {
        var queue = RequestQueue<String>()
        for (id, name) in ["a", "b", "c", "d"].enumerated() { queue.append(name, id: UInt64(id)) }
        #expect(queue.remove(id: 1) == "b")
        #expect(queue.remove(id: 1) == nil)
        queue.prepend("z", id: 9)
        #expect(queue.count == 4)
        #expect(queue[0] == "z")
        #expect(queue.remove(at: 0) == "z")
        #expect(queue.removeAll() == ["a", "c", "d"])
        #expect(queue.count == 0)
    }

    typealias Holder = PoolPolicy.Holder

    @Test func idleKVCacheIsEvictedBeforeAnyPreemption() {
        let holders = [
            Holder(index: 0, tokens: 50, time: 9, isRunning: true),
            Holder(index: 1, tokens: 20, time: 7, isRunning: false),
            Holder(index: 2, tokens: 20, time: 3, isRunning: false),
            Holder(index: 3, tokens: 0, time: 0, isRunning: false),
        ]
        #expect(PoolPolicy.makeRoom(for: 10, capacity: 100, holders: holders) == nil)
        #expect(PoolPolicy.makeRoom(for: 11, capacity: 100, holders: holders) == .clear(2))
    }

    @Test func theYoungestIsPreemptedAndTheLastNever() {
        var holders = [
            Holder(index: 0, tokens: 50, time: 2, isRunning: true),
            Holder(index: 1, tokens: 40, time: 5, isRunning: true),
        ]
        #expect(PoolPolicy.makeRoom(for: 20, capacity: 100, holders: holders) == .preempt(1))
        holders.removeLast()
        #expect(PoolPolicy.evictOne(holders) == .fail(0))
        #expect(PoolPolicy.evictOne([]) == nil)
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
        for handle in [first, request.handle] { #expect(bench.completion(handle).tokens.count == 1) }
    }
}
