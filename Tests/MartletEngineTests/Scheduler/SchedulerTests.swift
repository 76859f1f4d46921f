import MartletProtocol
import Testing

@testable import MartletEngine

/// The next batch as a function of plain values.
@Suite struct SchedulerTests {
    private func scheduler(isReproducible: Bool = true, usesUnifiedKV: Bool = false) -> Scheduler {
        Scheduler(
            slotCount: 8,
            planner: BatchPlanner(
                shape: BatchShape(
                    microBatchSize: 512, isReproducible: isReproducible, usesUnifiedKV: usesUnifiedKV)),
            prefillBudget: PrefillBudget(maximumStall: .milliseconds(200), ceiling: 512))
    }

    private func prompt(slot: Int, cached: Int = 0, count: Int, stop: Int? = nil) -> Candidate {
        Candidate(
            slot: slot, entry: slot, cachedCount: cached, historyCount: count, promptCount: count, isDecoding: false,
            lastScheduled: 0, stop: stop)
    }

    private func decoding(slot: Int, entry: Int? = nil, count: Int, drafts: Int = 0) -> Candidate {
        Candidate(
            slot: slot, entry: entry ?? slot, cachedCount: count - 1, historyCount: count, promptCount: 4,
            isDecoding: true, lastScheduled: 0, draftCount: drafts)
    }

    private func output(_ decision: SchedulerDecision) throws -> SchedulerOutput {
        guard case .compute(let output) = decision else { throw NoOutput(decision: decision) }
        return output
    }
    private struct NoOutput: Error { var decision: SchedulerDecision }

    @Test func nothingPendingIsIdle() {
        var scheduler = scheduler()
        #expect(scheduler.schedule([], used: 0, capacity: 100) == .idle)
        #expect(scheduler.schedule([prompt(slot: 1, cached: 9, count: 9)], used: 0, capacity: 100) == .idle)
    }

    @Test func aBatchNamesTokensAndLogitRows() throws {
        var scheduler = scheduler()
        let candidates = [decoding(slot: 0, entry: 5, count: 30), decoding(slot: 3, entry: 2, count: 9)]
        let output = try output(scheduler.schedule(candidates, used: 0, capacity: 1_000))
        // Ascending by entry, so that libllama computes adjacent ids together.
        #expect(
            output.sequences == [
                ScheduledSequence(slot: 3, start: 8, count: 1, rows: .last, isDecoding: true),
                ScheduledSequence(slot: 0, start: 29, count: 1, rows: .last, isDecoding: true),
            ])
    }

    @Test func aFullCacheMustMakeRoomFirst() {
        var scheduler = scheduler()
        #expect(scheduler.schedule([decoding(slot: 0, count: 30)], used: 100, capacity: 100) == .makeRoom)
        #expect(scheduler.schedule([decoding(slot: 0, count: 30)], used: 99, capacity: 100) != .makeRoom)
    }

    /// Computes prompts of `counts` tokens until one is complete, as an engine without running sequences does.
    ///
    /// - Returns: the number of decodes, and the slots of the prompts that the last one completes.
    private func decodesUntilFirstToken(
        _ counts: [Int], usesUnifiedKV: Bool, nanosecondsPerToken: Int64
    ) throws -> (count: Int, completed: [Int]) {
        var scheduler = scheduler(usesUnifiedKV: usesUnifiedKV)
        scheduler.prefillBudget.observe(tokens: 100, nanoseconds: 100 * nanosecondsPerToken)
        scheduler.prefillBudget.observe(tokens: 0, nanoseconds: 4 * nanosecondsPerToken)
        var cached = counts.map { _ in 0 }
        for count in 1...100 {
            let candidates = counts.indices.map { prompt(slot: $0, cached: cached[$0], count: counts[$0]) }
            for part in try output(scheduler.schedule(candidates, used: 0, capacity: 100_000)).sequences {
                cached[part.slot] += part.count
            }
            let completed = counts.indices.filter { cached[$0] == counts[$0] }
            if !completed.isEmpty { return (count, completed) }
        }
        return (100, [])
    }

    /// Prompts that are slow beside running sequences are completed by one decode, if several are needed for all of them.
    @Test(arguments: [true, false]) func slowPromptsThatArriveTogetherAreCompletedTogether(usesUnifiedKV: Bool) throws {
        let (all, slow): ([Int], Int64) = (Array(0..<64), 7_000_000)
        func decodes(_ counts: [Int], _ nanoseconds: Int64 = slow) throws -> (count: Int, completed: [Int]) {
            try decodesUntilFirstToken(counts, usesUnifiedKV: usesUnifiedKV, nanosecondsPerToken: nanoseconds)
        }
        #expect(try decodes(Array(repeating: 30, count: 64)) == (4, all))
        #expect(try decodes(all.map { 9 + $0 % 22 }).completed == all)
        // Ends of prompts behind whole chunks.
        #expect(try decodes(Array(repeating: 100, count: 20)).completed == Array(0..<20))
        // Prompts that end with a whole chunk, which a unified KV cache may divide.
        #expect(try (decodes(Array(repeating: 128, count: 16)).completed.count == 16) == usesUnifiedKV)
        // One decode is enough.
        #expect(try decodes(Array(repeating: 8, count: 64)) == (1, all))
        // Fast prompts enter beside running sequences soon enough, and no prompt waits for a long one.
        #expect(try decodes(Array(repeating: 30, count: 64), 50_000).completed.count < 64)
        #expect(try !decodes(Array(repeating: 30, count: 32) + [1_000]).completed.contains(32))
        #expect(try decodes(Array(repeating: 200, count: 64)).completed.count < 64)
    }

    /// Prompts that arrive one after the other do not delay the first ones without end.
    @Test func promptsWaitForABoundedNumberOfTokens() throws {
        var scheduler = scheduler()
        scheduler.prefillBudget.observe(tokens: 100, nanoseconds: 700_000_000)
        scheduler.prefillBudget.observe(tokens: 0, nanoseconds: 28_000_000)
        var (cached, computed) = (Array(repeating: 0, count: 10), 0)
        while computed < 10_000 {
            let candidates = cached.indices.map { prompt(slot: $0, cached: cached[$0], count: 60) }
            for part in try output(scheduler.schedule(candidates, used: 0, capacity: 100_000)).sequences {
                cached[part.slot] += part.count
                computed += part.count
            }
            if cached.contains(60) { break }
            cached.append(0)
        }
        #expect(cached.contains(60) && computed <= BatchShape.jointLimit + 512)
    }

    /// Another sequence copies the prefix at a stop, or a checkpoint is saved there.
    @Test(arguments: [64, 128, 100, 30, 200]) func aChunkEndsAtAStop(stop: Int) throws {
        var scheduler = scheduler()
        var cached = 0
        var ends: [Int] = []
        while cached < 300 {
            let next = prompt(slot: 0, cached: cached, count: 300, stop: stop > cached ? stop : nil)
            let output = try output(scheduler.schedule([next], used: 0, capacity: 1_000))
            #expect(output.sequences.map(\.start) == [cached])
            cached += output.sequences[0].count
            ends.append(cached)
            #expect((output.sequences[0].rows == .last) == (cached == 300))
        }
        #expect(ends.contains(stop))
    }

    @Test func oneSetOfAdaptersPerBatchAndTheLongestWaitFirst() throws {
        var scheduler = scheduler()
        var candidates = (0..<3).map { decoding(slot: $0, count: 30) }
        candidates[1].adapters = [AdapterScale(index: 0, scale: 1)]
        candidates[0].lastScheduled = 5
        candidates[1].lastScheduled = 3
        candidates[2].lastScheduled = 5
        var output = try output(scheduler.schedule(candidates, used: 0, capacity: 1_000))
        #expect(output.adapters == candidates[1].adapters && output.sequences.map(\.slot) == [1])
        candidates[1].lastScheduled = 6
        output = try self.output(scheduler.schedule(candidates, used: 0, capacity: 1_000))
        #expect(output.adapters.isEmpty && output.sequences.map(\.slot) == [0, 2])
    }

    @Test func onePromptWithLogprobsPerBatch() throws {
        var scheduler = scheduler()
        var candidates = [prompt(slot: 0, count: 300), prompt(slot: 1, count: 300)]
        for index in candidates.indices { candidates[index].needsPromptLogprobs = true }
        candidates[0].lastScheduled = 1
        let output = try output(scheduler.schedule(candidates, used: 0, capacity: 1_000))
        #expect(
            output.sequences == [ScheduledSequence(slot: 1, start: 0, count: 64, rows: .all, isDecoding: false)])
    }

    /// Draft tokens fill a narrow batch up to its limit.
    @Test func draftTokensFollowTheLastToken() throws {
        var scheduler = scheduler(usesUnifiedKV: true)
        let candidates = [decoding(slot: 0, count: 30, drafts: 8), decoding(slot: 1, count: 30, drafts: 100)]
        let output = try output(scheduler.schedule(candidates, used: 0, capacity: 1_000))
        #expect(output.sequences.map(\.draftCount) == [8, 63 - 2 - 8])
        #expect(output.sequences.allSatisfy { $0.rows == .lastAndDrafts })
    }

    /// Where a whole chunk takes longer than the bound, its parts share the batch of running streams. A small model, whose
    /// output must not depend on that, keeps whole chunks.
    @Test(arguments: [false, true]) func aSlowModelComputesPartsOfChunks(usesUnifiedKV: Bool) throws {
        var scheduler = scheduler(usesUnifiedKV: usesUnifiedKV)
        for _ in 0..<9 {
            scheduler.prefillBudget.observe(tokens: 64, nanoseconds: 640_000_000)
            scheduler.prefillBudget.observe(tokens: 0, nanoseconds: 50_000_000)
        }
        let candidates = [decoding(slot: 0, count: 30), prompt(slot: 1, count: 1_000)]
        var counts: [Int] = []
        for _ in 0..<2 {
            let output = try output(scheduler.schedule(candidates, used: 0, capacity: 9_000))
            if let part = output.sequences.first(where: { $0.slot == 1 }) { counts.append(part.count) }
        }
        #expect(counts == (usesUnifiedKV ? [16, 16] : [64]))
    }

    /// Plain attention computes as many cells for each sequence as the longest one has.
    @Test func sequencesOfDifferentLengthsAlternateWithPlainAttention() throws {
        var scheduler = Scheduler(
            slotCount: 8,
            planner: BatchPlanner(
                shape: BatchShape(
                    microBatchSize: 256, isReproducible: true, usesUnifiedKV: false, usesFlashAttention: false)),
            prefillBudget: PrefillBudget(maximumStall: .milliseconds(200), ceiling: 256))
        var counts = [60, 3_000, 400, 3_500, 90]
        var lastScheduled = counts.map { _ in UInt64(0) }
        var parts = [[Int]]()
        for step in 1...6 {
            let candidates = counts.indices.map { slot in
                var candidate = decoding(slot: slot, count: counts[slot])
                candidate.lastScheduled = lastScheduled[slot]
                return candidate
            }
            let slots = try output(scheduler.schedule(candidates, used: 0, capacity: .max)).sequences.map(\.slot)
            for slot in slots {
                counts[slot] += 1
                lastScheduled[slot] = UInt64(step)
            }
            parts.append(slots)
        }
        #expect(parts == [[0, 2, 4], [1, 3], [0, 2, 4], [1, 3], [0, 2, 4], [1, 3]])
    }
}
