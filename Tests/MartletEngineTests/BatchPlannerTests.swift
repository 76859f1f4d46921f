import Testing

@testable import MartletEngine

@Suite struct BatchPlannerTests {
    typealias PendingTokens = BatchPlanner.PendingTokens
    typealias ScheduledTokens = BatchPlanner.ScheduledTokens

    static let shape = BatchShape(microBatchSize: 512, isReproducible: true, usesUnifiedKV: true)

    func plan(_ planner: inout BatchPlanner, _ pendingTokens: [PendingTokens], budget: Int = 512) -> [ScheduledTokens] {
        var scheduledTokens: [ScheduledTokens] = []
        planner.plan(pendingTokens, promptBudget: budget, into: &scheduledTokens)
        return scheduledTokens
    }

    @Test func everyDecodingSlotIsScheduled() {
        var planner = BatchPlanner(shape: Self.shape)
        let scheduledTokens = plan(&planner, (0..<40).map { PendingTokens(slot: $0, count: 1, isDecoding: true) })
        #expect(scheduledTokens == (0..<40).map { ScheduledTokens(slot: $0, count: 1, isDecoding: true) })
    }

    @Test func moreDecodingSlotsThanFitRotate() {
        var planner = BatchPlanner(shape: Self.shape)
        let pendingTokens = (0..<100).map { PendingTokens(slot: $0, count: 1, isDecoding: true) }
        var counts = [Int](repeating: 0, count: 100)
        for _ in 0..<100 {
            let scheduledTokens = plan(&planner, pendingTokens)
            #expect(scheduledTokens.count == 63)
            for scheduled in scheduledTokens { counts[scheduled.slot] += 1 }
        }
        #expect(counts.allSatisfy { $0 == 63 })
    }

    @Test func alignedAndDecodeBatchesAlternateAndNeverMix() {
        var planner = BatchPlanner(shape: Self.shape)
        let pendingTokens = [
            PendingTokens(slot: 0, count: 1, isDecoding: true), PendingTokens(slot: 1, count: 640, isAligned: true),
        ]
        #expect(plan(&planner, pendingTokens) == [ScheduledTokens(slot: 0, count: 1, isDecoding: true)])
        #expect(plan(&planner, pendingTokens) == [ScheduledTokens(slot: 1, count: 512)])
        #expect(plan(&planner, pendingTokens) == [ScheduledTokens(slot: 0, count: 1, isDecoding: true)])
    }

    @Test(arguments: [1, 63, 64, 100, 200, 512])
    func promptsStayInTheBudgetByWholeChunks(budget: Int) {
        var planner = BatchPlanner(shape: Self.shape)
        let scheduledTokens = plan(
            &planner,
            [
                PendingTokens(slot: 0, count: 1024, isAligned: true),
                PendingTokens(slot: 1, count: 128, isAligned: true),
            ],
            budget: budget)
        #expect(scheduledTokens.allSatisfy { $0.count % 64 == 0 })
        #expect(scheduledTokens.reduce(0) { $0 + $1.count } == max(64, budget / 64 * 64))
    }

    @Test func promptsDivideTheBudgetAndShortPromptsLeaveTheirRest() {
        var planner = BatchPlanner(shape: Self.shape)
        let scheduledTokens = plan(
            &planner,
            [
                PendingTokens(slot: 0, count: 1024, isAligned: true),
                PendingTokens(slot: 1, count: 64, isAligned: true),
                PendingTokens(slot: 2, count: 1024, isAligned: true),
            ])
        #expect(scheduledTokens.map(\.slot) == [0, 1, 2])
        #expect(scheduledTokens.map(\.count) == [256, 64, 192] || scheduledTokens.map(\.count) == [192, 64, 256])
    }

    @Test func manyPromptsRotate() {
        var planner = BatchPlanner(shape: Self.shape)
        let pendingTokens = (0..<20).map { PendingTokens(slot: $0, count: 6400, isAligned: true) }
        var counts = [Int](repeating: 0, count: 20)
        for _ in 0..<20 {
            for scheduled in plan(&planner, pendingTokens, budget: 128) { counts[scheduled.slot] += scheduled.count }
        }
        #expect(counts.allSatisfy { $0 == 128 })
    }

    @Test func decodeBatchesNeverReachTheAlignedSize() {
        var planner = BatchPlanner(shape: Self.shape)
        let pendingTokens =
            (0..<20).map { PendingTokens(slot: $0, count: 1, isDecoding: true) }
            + (20..<30).map { PendingTokens(slot: $0, count: 50) }
        let scheduledTokens = plan(&planner, pendingTokens)
        #expect(scheduledTokens.reduce(0) { $0 + $1.count } == 63)
        #expect(scheduledTokens.prefix(20).allSatisfy { $0.isDecoding })
    }

    /// The ends of prompts that begin together are one decode. Beside generated tokens they would change their rounding.
    @Test func endsOfPromptsFillALargeDecodeIfNothingIsGenerated() {
        var planner = BatchPlanner(shape: Self.shape)
        let prompts = (0..<16).map { PendingTokens(slot: $0, count: 40) }
        #expect(plan(&planner, prompts).map(\.count) == Array(repeating: 32, count: 16))
        let beside = plan(&planner, prompts + [PendingTokens(slot: 16, count: 1, isDecoding: true)])
        #expect(beside.reduce(0) { $0 + $1.count } == 63)
    }

    @Test func noSmallRemainderOfAPromptIsLeft() {
        var planner = BatchPlanner(shape: Self.shape)
        let decodingSlots = (0..<3).map { PendingTokens(slot: $0, count: 1, isDecoding: true) }
        for (count, expected) in [(16, 16), (17, 17), (23, 23), (24, 16), (60, 16)] {
            let scheduledTokens = plan(&planner, decodingSlots + [PendingTokens(slot: 3, count: count)], budget: 16)
            #expect(scheduledTokens.map(\.count) == [1, 1, 1, expected])
        }
        // Not more than a narrow decode can have.
        let prompts = (3..<7).map { PendingTokens(slot: $0, count: 17) }
        #expect(plan(&planner, decodingSlots + prompts).map(\.count).sorted() == [1, 1, 1, 15, 15, 15, 15])
    }

    @Test func planHoldsNoSlotTwiceAndNoneBeyondItsPendingTokens() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var planner = BatchPlanner(shape: Self.shape)
            let pendingTokens = (0..<Int.random(in: 1...80, using: &random)).map { slot in
                let kind = Int.random(in: 0..<3, using: &random)
                return PendingTokens(
                    slot: slot,
                    count: kind == 0 ? 1 : kind == 1 ? .random(in: 1..<64, using: &random) : 64 * .random(in: 1...30),
                    isAligned: kind == 2, isDecoding: kind == 0)
            }
            let budget = Int.random(in: 1...600, using: &random)
            for _ in 0..<4 {
                let scheduledTokens = plan(&planner, pendingTokens, budget: budget)
                #expect(!scheduledTokens.isEmpty)
                #expect(Set(scheduledTokens.map(\.slot)).count == scheduledTokens.count)
                #expect(scheduledTokens.allSatisfy { $0.count > 0 && $0.count <= pendingTokens[$0.slot].count })
                #expect(Set(scheduledTokens.map { pendingTokens[$0.slot].isAligned }).count == 1)
                #expect(scheduledTokens.reduce(0) { $0 + $1.count } <= 512)
            }
        }
    }

    @Test func batchKindOfATokenDependsOnItsPositionAlone() {
        for promptCount in [1, 63, 64, 65, 200, 256] {
            for start in 0..<(promptCount + 10) {
                let next = Self.shape.next(from: start, to: promptCount + 10, promptCount: promptCount)
                for position in start..<(start + next.count) {
                    #expect(position >= promptCount / 64 * 64 || next.isAligned || start % 64 != 0)
                    #expect(!next.isAligned || position < promptCount / 64 * 64)
                }
                #expect(!next.isAligned || next.count % 64 == 0)
            }
        }
    }

    @Test func prefillBudgetMeetsTheStallLimitOnceMeasured() {
        var prefillBudget = PrefillBudget(
            maximumStall: .milliseconds(50), ceiling: 512, batchingWindow: .milliseconds(3))
        #expect(prefillBudget.tokenLimit(isDecoding: false) == 512)
        #expect(prefillBudget.tokenLimit(isDecoding: true) == 64)
        for _ in 0..<20 { prefillBudget.observe(tokens: 100, nanoseconds: 25_000_000) }
        #expect((119...120).contains(prefillBudget.tokenLimit(isDecoding: true)))
        for _ in 0..<40 { prefillBudget.observe(tokens: 100, nanoseconds: 10_000_000_000) }
        #expect(prefillBudget.tokenLimit(isDecoding: true) == 16)
        for _ in 0..<60 { prefillBudget.observe(tokens: 100, nanoseconds: 1) }
        #expect(prefillBudget.tokenLimit(isDecoding: true) == 512)
    }

    @Test func aShortDecodeIsNotDelayedForLong() {
        var prefillBudget = PrefillBudget(maximumStall: .milliseconds(200), ceiling: 512)
        prefillBudget.observe(tokens: 100, nanoseconds: 30_000_000)
        #expect(prefillBudget.tokenLimit(isDecoding: true) == 400)
        for (milliseconds, budget) in [(1, 66), (30, 100), (100, 66), (150, 16)] {
            for _ in 0..<60 { prefillBudget.observe(tokens: 0, nanoseconds: Int64(milliseconds) * 1_000_000) }
            #expect((budget - 1...budget + 1).contains(prefillBudget.tokenLimit(isDecoding: true)))
        }
        #expect(prefillBudget.tokenLimit(isDecoding: false) == 512)
    }

    /// A context that grows makes prompt tokens slower. No step exceeds the bound, the step in which the speed drops to
    /// two thirds included.
    @Test func aSlowerMachineStaysWithinTheBound() {
        var prefillBudget = PrefillBudget(maximumStall: .milliseconds(200), ceiling: 512)
        var perToken = 0.1
        for step in 0..<400 {
            if step % 40 == 39 { perToken *= 1.5 }
            let tokens = prefillBudget.tokenLimit(isDecoding: true)
            let milliseconds = 20 + Double(tokens) * perToken
            if tokens > 16 { #expect(milliseconds <= 200) }
            prefillBudget.observe(tokens: tokens, nanoseconds: Int64(Double(tokens) * perToken * 1e6))
            prefillBudget.observe(tokens: 0, nanoseconds: 20_000_000)
        }
    }

    /// A few prompt tokens in a batch with many decode tokens cost little more than the decode tokens. Their measured
    /// cost must not include the decode.
    @Test func prefillBudgetMeasuresWhatPromptsAdd() {
        var prefillBudget = PrefillBudget(maximumStall: .milliseconds(200), ceiling: 512)
        for _ in 0..<60 {
            prefillBudget.observe(tokens: 0, nanoseconds: 20_000_000)
            prefillBudget.observe(tokens: 16, nanoseconds: 21_600_000, besideDecoding: true)
        }
        // 0.135 ms each, at least a tenth of the whole.
        #expect((140...150).contains(prefillBudget.tokenLimit(isDecoding: true)))
    }

    @Test func batchingWaitsForAHundredthOfTheTime() {
        var prefillBudget = PrefillBudget(
            maximumStall: .milliseconds(50), ceiling: 512, batchingWindow: .milliseconds(3))
        #expect(prefillBudget.batchingDelay(before: 1_000) == .zero)
        // A first prompt counts as a measurement, however short it is; later only longer ones do.
        prefillBudget.observe(tokens: 4, nanoseconds: 40_000_000)
        #expect(prefillBudget.batchingDelay(before: 10) == .milliseconds(1))
        #expect(prefillBudget.batchingDelay(before: 3) == .microseconds(300))
        #expect(prefillBudget.batchingDelay(before: 1_000_000_000) == .milliseconds(3))
        #expect(prefillBudget.tokenLimit(isDecoding: true) == 16)
        prefillBudget.observe(tokens: 4, nanoseconds: 4)
        #expect(prefillBudget.batchingDelay(before: 10) == .milliseconds(1))
    }

    /// Prompts that arrive one after the other share a decode; the wait ends a hundredth of its duration behind the last.
    @Test func eachPromptBeginsTheWaitAnew() {
        var prefillBudget = PrefillBudget(
            maximumStall: .milliseconds(200), ceiling: 512, batchingWindow: .milliseconds(3))
        prefillBudget.observe(tokens: 30, nanoseconds: 210_000_000)
        func time(_ microseconds: Int) -> MonotonicTime { .init(nanoseconds: 0) + .microseconds(microseconds) }
        var wait = BatchingWait(for: 30, prefillBudget, at: time(0))
        #expect(wait.left(at: time(0)) == .microseconds(2_100))
        // No prompt has arrived, or one has been cancelled.
        wait.update(to: 30, at: time(500))
        wait.update(to: 10, at: time(600))
        #expect(wait.left(at: time(1_000)) == .microseconds(1_100))
        wait.update(to: 40, at: time(1_000))
        #expect(wait.left(at: time(1_000)) == .microseconds(2_800))
        wait.update(to: 300, at: time(3_000))
        #expect(wait.left(at: time(5_900)) == .microseconds(100))
        #expect(wait.left(at: time(6_000)) <= .zero)
    }

    @Test func aShortDecodeIsNotDelayed() {
        var prefillBudget = PrefillBudget(
            maximumStall: .milliseconds(50), ceiling: 512, batchingWindow: .milliseconds(3))
        // A turn with 20 new tokens takes 3 ms.
        prefillBudget.observe(tokens: 20, nanoseconds: 3_000_000)
        #expect(prefillBudget.batchingDelay(before: 20) == .zero)
        #expect(prefillBudget.batchingDelay(before: 166) == .zero)
        #expect(prefillBudget.batchingDelay(before: 167) >= PrefillBudget.shortestDelay)
    }

    // MARK: Plain attention

    static let plain = BatchShape(
        microBatchSize: 256, isReproducible: true, usesUnifiedKV: false, usesFlashAttention: false)

    /// The numbers of tokens that libllama computes at once of each sequence, for sequences with adjacent ids.
    private func piecesOfSequences(_ counts: [Int]) -> [[Int]] {
        var left = counts
        var pieces = counts.map { _ in [Int]() }
        while left.contains(where: { $0 > 0 }) {
            // The first run of adjacent sequences that have tokens left.
            let first = left.firstIndex { $0 > 0 } ?? 0
            let end = left[first...].firstIndex(of: 0) ?? left.count
            let step = left[first..<end].min() ?? 0
            for index in first..<end {
                left[index] -= step
                pieces[index].append(step)
            }
        }
        return pieces
    }

    /// Single tokens round differently, so no token of a prompt may be computed by itself.
    @Test(arguments: 0..<40) func plainAttentionNeverComputesASingleTokenOfAPrompt(seed: Int) {
        var random = SplitMixGenerator(seed: UInt64(seed))
        var planner = BatchPlanner(shape: Self.plain)
        var left = (0..<Int.random(in: 1...12, using: &random)).map { _ in Int.random(in: 2...900, using: &random) }
        var steps = 0
        while left.contains(where: { $0 > 0 }) {
            let pending = left.indices.filter { left[$0] > 0 }.map {
                PendingTokens(slot: $0, count: left[$0], isAligned: true)
            }
            let scheduled = plan(&planner, pending, budget: Int.random(in: 1...300, using: &random))
            #expect(!scheduled.isEmpty && scheduled.reduce(0) { $0 + $1.count } <= 256)
            var counts = left.map { _ in 0 }
            for part in scheduled { counts[part.slot] = part.count }
            for pieces in piecesOfSequences(counts) { #expect(!pieces.contains(1), "\(counts)") }
            for part in scheduled { left[part.slot] -= part.count }
            #expect(!left.contains(1) && left.allSatisfy { $0 >= 0 })
            steps += 1
            #expect(steps < 5_000, "no progress: \(left)")
            if steps >= 5_000 { break }
        }
    }

    @Test func plainAttentionNeedsNoChunksAndKeepsGeneratedTokensApart() {
        #expect(Self.plain.next(from: 0, to: 150, promptCount: 150) == (150, true))
        #expect(Self.plain.next(from: 100, to: 150, promptCount: 120) == (20, true))
        #expect(Self.plain.next(from: 120, to: 150, promptCount: 120) == (1, false))
        #expect(Self.plain.reusable(119, promptCount: 120) == 118)
        #expect(Self.plain.reusable(77, promptCount: 120) == 77)
        #expect(Self.plain.reusable(130, promptCount: 120) == 130)
        #expect(Self.plain.reusable(1, promptCount: 1) == 1)
        var planner = BatchPlanner(shape: Self.plain)
        let pending = [
            PendingTokens(slot: 0, count: 1, isDecoding: true), PendingTokens(slot: 1, count: 150, isAligned: true),
            PendingTokens(slot: 2, count: 1),
        ]
        let narrow = [ScheduledTokens(slot: 0, count: 1, isDecoding: true), ScheduledTokens(slot: 2, count: 1)]
        #expect(plan(&planner, pending) == narrow)
        #expect(plan(&planner, pending) == [ScheduledTokens(slot: 1, count: 150)])
        #expect(plan(&planner, pending) == narrow)
    }
}
