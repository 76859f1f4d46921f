import Testing

@testable import MartletEngine

/// The turns of prompts and of generating slots that do not all fit into a decode.
@Suite struct BatchPlannerTurnTests {
    typealias PendingTokens = BatchPlanner.PendingTokens

    private func plan(
        _ planner: inout BatchPlanner, _ pendingTokens: [PendingTokens], budget: Int = 512
    ) -> [BatchPlanner.ScheduledTokens] {
        var scheduledTokens: [BatchPlanner.ScheduledTokens] = []
        planner.plan(pendingTokens, promptBudget: budget, into: &scheduledTokens)
        return scheduledTokens
    }

    /// Plans until no prompt is left.
    ///
    /// - Parameter prompts: the numbers of tokens by slot.
    /// - Returns: the slots of each decode.
    private func plans(of prompts: [Int: Int], beside decodingSlot: Int? = nil, budget: Int) -> [[Int]] {
        var planner = BatchPlanner(
            shape: BatchShape(microBatchSize: 512, isReproducible: true, usesUnifiedKV: true))
        var left = prompts
        var plans: [[Int]] = []
        while !left.isEmpty, plans.count < 1_000 {
            var pending = left.map { PendingTokens(slot: $0.key, count: $0.value) }.sorted { $0.slot < $1.slot }
            if let decodingSlot { pending.append(PendingTokens(slot: decodingSlot, count: 1, isDecoding: true)) }
            let scheduled = plan(&planner, pending, budget: budget).filter { !$0.isDecoding }
            for tokens in scheduled { left[tokens.slot, default: 0] -= tokens.count }
            left = left.filter { $0.value > 0 }
            plans.append(scheduled.map(\.slot))
        }
        return plans
    }

    /// A complete prompt leaves the list of prompts. The turn stays with the next slot. Separate KV caches need it:
    /// libllama computes sequences together only if their ids are consecutive.
    @Test func noPromptIsSkippedBecauseAnotherOneIsComplete() {
        let prompts = Dictionary(uniqueKeysWithValues: (0..<15).map { ($0, 17 + $0 % 3) })
        #expect(plans(of: prompts, beside: 15, budget: 16) == (0..<15).map { [$0] })
    }

    /// Three prompts of 40 tokens, 16 tokens in each decode: the first one is complete after three decodes rather than seven.
    @Test func aPromptThatIsAlmostCompleteKeepsItsTurn() {
        #expect(
            plans(of: [0: 40, 1: 40, 2: 40], beside: 3, budget: 16)
                == [[0], [0], [0], [1], [1], [1], [2], [2], [2]])
    }

    /// Eight prompts with 4 tokens that no cache has, as at the next turn of eight chats.
    @Test func shortPromptsShareADecode() {
        let prompts = Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, 4) })
        #expect(plans(of: prompts, beside: 8, budget: 16) == [[0, 1, 2, 3, 4], [5, 6, 7]])
    }

    @Test func noGeneratingSlotIsSkippedBecauseAnotherOneHasLeft() {
        var planner = BatchPlanner(
            shape: BatchShape(microBatchSize: 512, isReproducible: true, usesUnifiedKV: false, rowLimit: 3))
        func decode(_ slots: [Int]) -> [Int] {
            plan(&planner, slots.map { PendingTokens(slot: $0, count: 1, isDecoding: true) }).map(\.slot)
        }
        #expect(decode([0, 1, 2, 3, 4, 5, 6]) == [0, 1, 2])
        #expect(decode([1, 2, 3, 4, 5, 6]) == [3, 4, 5])
        #expect(decode([1, 2, 3, 5, 6]) == [1, 2, 6])
    }

    /// Whole chunks and other prompts take turns by themselves, and so does each slot.
    @Test(arguments: [true, false])
    func everySlotHasItsTurn(isolates: Bool) {
        let shape = BatchShape(
            microBatchSize: 512, isReproducible: true, usesUnifiedKV: false, rowLimit: isolates ? 3 : nil)
        var planner = BatchPlanner(shape: shape)
        let pending =
            [1, 9].map { PendingTokens(slot: $0, count: 6_400, isAligned: true, isAlone: isolates) }
            + [5, 6, 11].map { PendingTokens(slot: $0, count: 16, isAlone: isolates) }
            + [0, 7].map { PendingTokens(slot: $0, count: 1, isDecoding: true) }
        var counts: [Int: Int] = [:]
        for _ in 0..<60 {
            for tokens in plan(&planner, pending.sorted { $0.slot < $1.slot }, budget: 16) {
                counts[tokens.slot, default: 0] += 1
            }
        }
        for tokens in pending { #expect(counts[tokens.slot, default: 0] >= 6, "slot \(tokens.slot)") }
    }

    /// Prompts come and go for 1,500 decodes in each kind of KV cache, and no slot waits for ever.
    @Test(arguments: 0..<5, [16, 100, 512]) func noSlotWaitsForMoreThanARound(kind: Int, budget: Int) {
        let shape = BatchShape(
            microBatchSize: kind == 3 ? 64 : 512, isReproducible: kind < 4, usesUnifiedKV: kind == 0,
            usesFlashAttention: kind != 3, rowLimit: kind == 2 ? 3 : nil)
        var random = SplitMixGenerator(seed: UInt64(kind))
        var planner = BatchPlanner(shape: shape)
        var sequences = [Int: (cached: Int, prompt: Int, end: Int)]()
        var waits = [Int: Int]()
        var longest = 0
        for _ in 0..<1_500 {
            for slot in 0..<16 where sequences[slot] == nil && Bool.random(using: &random) {
                let count = Int.random(in: 1...600, using: &random)
                sequences[slot] = (0, count, count + .random(in: 1...40, using: &random))
                waits[slot] = 0
            }
            let pending = sequences.keys.sorted().compactMap { slot -> PendingTokens? in
                guard let sequence = sequences[slot] else { return nil }
                let isDecoding = sequence.cached >= sequence.prompt
                var next = shape.next(
                    from: sequence.cached, to: isDecoding ? sequence.cached + 1 : sequence.prompt,
                    promptCount: sequence.prompt)
                if next.isAligned, budget < BatchShape.chunk, !shape.keepsWholeChunks {
                    next = (min(next.count, budget), false)
                }
                return PendingTokens(
                    slot: slot, count: next.count, isAligned: next.isAligned, isDecoding: isDecoding,
                    isAlone: shape.isolatesPrompts && !isDecoding)
            }
            for slot in waits.keys { waits[slot, default: 0] += 1 }
            for tokens in plan(&planner, pending, budget: budget) {
                sequences[tokens.slot]?.cached += tokens.count
                waits[tokens.slot] = 0
                guard let sequence = sequences[tokens.slot], sequence.cached >= sequence.end else { continue }
                (sequences[tokens.slot], waits[tokens.slot]) = (nil, nil)
            }
            longest = max(longest, waits.values.max() ?? 0)
        }
        // Each of 16 slots keeps its turn for four decodes at most, and kinds of decode alternate.
        #expect(longest < 16 * 4 * 2)
    }
}
