import Testing

@testable import MartletEngine

/// Each token is computed in the same way under every load and after every interruption, by a model of what ggml's results
/// depend on.
@Suite struct BatchInvarianceModelTests {
    /// The properties of a decode that the result of a token depends on.
    private struct Rounding: Hashable, CustomStringConvertible {
        /// The kernel of attention: with flash attention one for fewer than 64 tokens of a sequence and one for more, with
        /// plain attention one for a single token and one for more.
        var usesLargeKernel: Bool
        /// The number of vectors that weights are multiplied by: 1 for all numbers that round alike.
        var vectors: Int

        var description: String { "\(usesLargeKernel ? "large" : "small") \(vectors)" }
    }

    private struct Setup: Sendable, CustomTestStringConvertible {
        var usesFlashAttention: Bool
        /// The number of vectors up to which weights round alike; `nil` = any number.
        var rowLimit: Int?
        var testDescription: String {
            "\(usesFlashAttention ? "flash" : "plain"), limit \(rowLimit.map(String.init) ?? "none")"
        }

        /// The largest number of tokens of a decode, as the engine chooses it.
        var microBatchSize: Int { usesFlashAttention ? 512 : PlainAttention.microBatchSize }

        var shape: BatchShape {
            BatchShape(
                microBatchSize: microBatchSize, isReproducible: true, usesUnifiedKV: false,
                usesFlashAttention: usesFlashAttention, rowLimit: rowLimit)
        }

        /// The rounding of tokens in a micro-batch.
        ///
        /// - Parameters:
        ///   - count: the number of tokens of each sequence.
        ///   - total: the number of tokens of all.
        func rounding(count: Int, total: Int) -> Rounding {
            Rounding(usesLargeKernel: usesFlashAttention ? count >= 64 : count > 1, vectors: vectors(total))
        }

        /// The class of a number of vectors: 1 for all that round as a single one.
        func vectors(_ count: Int) -> Int {
            guard let rowLimit, count > rowLimit else { return 1 }
            // Kernels form groups of 4, 8 or 16 vectors, and compute what is left in another way.
            return count % 64 == 0 ? 64 : count
        }
    }

    private static let setups: [Setup] = [true, false].flatMap { flash in
        [nil, 1, 3].map { Setup(usesFlashAttention: flash, rowLimit: $0) }
    }

    /// A conversation: the scheduler computes its prompt, then one token after the other.
    private struct Conversation {
        var promptCount: Int
        var totalCount: Int
        var cached = 0
        var history: Int
        /// The rounding of each computed item.
        var roundings: [Rounding?]
        /// The class of the number of rows behind the last attention, where only rows with logits are left, for each item
        /// whose logits were read.
        var outputs: [Int?]

        init(promptCount: Int, outputCount: Int) {
            (self.promptCount, totalCount, history) = (promptCount, promptCount + outputCount, promptCount)
            roundings = Array(repeating: nil, count: totalCount)
            outputs = roundings.map { _ in nil }
        }
        var isComplete: Bool { cached == totalCount }

        /// The first item that was computed in another way than in `other`; `nil` = none.
        func firstDifference(from other: Conversation) -> Int? {
            (0..<totalCount).first { roundings[$0] != other.roundings[$0] || outputs[$0] != other.outputs[$0] }
        }
    }

    /// Runs conversations to their ends.
    ///
    /// - Parameter disturb: changes conversations between two steps.
    private func run(
        _ conversations: inout [Conversation], _ setup: Setup, budget: () -> Int,
        disturb: (inout [Conversation]) -> Void = { _ in }
    ) {
        var scheduler = Scheduler(
            slotCount: conversations.count, planner: BatchPlanner(shape: setup.shape),
            prefillBudget: PrefillBudget(maximumStall: .milliseconds(200), ceiling: setup.microBatchSize))
        var lastScheduled = conversations.map { _ in UInt64(0) }
        var step = 0
        while conversations.contains(where: { !$0.isComplete }) {
            step += 1
            guard step < 10_000 else { break }
            disturb(&conversations)
            // The budget follows from measured times.
            scheduler.prefillBudget = PrefillBudget(
                maximumStall: .milliseconds(200), ceiling: min(budget(), setup.microBatchSize))
            let candidates = conversations.indices.filter { !conversations[$0].isComplete }.map { slot in
                Candidate(
                    slot: slot, entry: slot, cachedCount: conversations[slot].cached,
                    historyCount: conversations[slot].history, promptCount: conversations[slot].promptCount,
                    isDecoding: conversations[slot].history > conversations[slot].promptCount
                        && conversations[slot].cached == conversations[slot].history - 1,
                    lastScheduled: lastScheduled[slot])
            }
            guard case .compute(let output) = scheduler.schedule(candidates, used: 0, capacity: .max) else {
                Issue.record("no progress after \(step) steps")
                return
            }
            compute(output, in: &conversations, setup)
            for part in output.sequences { lastScheduled[part.slot] = UInt64(step) }
        }
        #expect(conversations.allSatisfy { $0.isComplete })
    }

    /// Computes a batch as libllama does: as many tokens of adjacent sequences as the shortest part has, then the others.
    private func compute(_ output: SchedulerOutput, in conversations: inout [Conversation], _ setup: Setup) {
        var parts = output.sequences.map { (slot: $0.slot, start: $0.start, left: $0.count, part: $0) }
        while let first = parts.firstIndex(where: { $0.left > 0 }) {
            var end = first + 1
            while end < parts.count, parts[end].left > 0, parts[end].slot == parts[end - 1].slot + 1 { end += 1 }
            let count = parts[first..<end].map(\.left).min() ?? 0
            let outputs = parts[first..<end].count { $0.left == count && $0.part.rows != .none }
            for index in first..<end {
                for offset in 0..<count {
                    let (slot, item) = (parts[index].slot, parts[index].start + offset)
                    conversations[slot].roundings[item] = setup.rounding(count: count, total: count * (end - first))
                    guard parts[index].left == offset + 1, parts[index].part.rows != .none else { continue }
                    conversations[slot].outputs[item] = setup.vectors(outputs)
                }
                parts[index].start += count
                parts[index].left -= count
            }
        }
        for part in output.sequences {
            conversations[part.slot].cached += part.count
            let (cached, history) = (conversations[part.slot].cached, conversations[part.slot].history)
            if cached == history, history < conversations[part.slot].totalCount {
                conversations[part.slot].history += 1
            }
        }
    }

    /// 8 conversations at once, in random order and with budgets of any size, are computed as each of them alone.
    @Test(arguments: setups, 0..<3) private func loadChangesNoRounding(setup: Setup, seed: Int) {
        var random = SplitMixGenerator(seed: UInt64(seed))
        let conversations = (0..<8).map { _ in
            Conversation(
                promptCount: .random(in: 2...400, using: &random), outputCount: .random(in: 1...40, using: &random))
        }
        var together = conversations
        run(&together, setup, budget: { .random(in: 16...512, using: &random) })
        for (alone, together) in zip(conversations, together) {
            var alone = [alone]
            run(&alone, setup, budget: { .max })
            #expect(together.firstDifference(from: alone[0]) == nil, "\(setup.testDescription)")
        }
    }

    /// A conversation that begins again in the middle, as after a crash, an eviction, a rewind or a hit of the cache, is
    /// computed as without.
    @Test(arguments: setups, 0..<3) private func interruptionsChangeNoRounding(setup: Setup, seed: Int) {
        var random = SplitMixGenerator(seed: UInt64(seed + 100))
        let conversations = (0..<6).map { _ in
            Conversation(
                promptCount: .random(in: 2...400, using: &random), outputCount: .random(in: 1...90, using: &random))
        }
        var disturbed = conversations
        var left = 60
        run(&disturbed, setup, budget: { .random(in: 16...512, using: &random) }) { conversations in
            guard left > 0, Int.random(in: 0..<8, using: &random) == 0 else { return }
            left -= 1
            let slot = Int.random(in: 0..<conversations.count, using: &random)
            // Everything is lost, or all but the items that were computed up to some position.
            let cut = Bool.random(using: &random) ? 0 : Int.random(in: 0...conversations[slot].cached, using: &random)
            conversations[slot].cached = min(
                conversations[slot].cached,
                setup.shape.reusable(
                    min(cut, conversations[slot].history - 1), promptCount: conversations[slot].promptCount))
        }
        for (alone, disturbed) in zip(conversations, disturbed) {
            var alone = [alone]
            run(&alone, setup, budget: { .max })
            #expect(disturbed.firstDifference(from: alone[0]) == nil, "\(setup.testDescription)")
        }
    }

    /// A prompt that reuses a part of a saved state is computed as without, at every length.
    @Test(arguments: setups) private func statesOfTiersChangeNoRounding(setup: Setup) {
        for promptCount in [2, 63, 64, 65, 127, 128, 190] {
            var alone = [Conversation(promptCount: promptCount, outputCount: 3)]
            run(&alone, setup, budget: { .max })
            for length in 1...promptCount {
                // The state goes on in another way, or has generated items behind this prompt.
                let reused = setup.shape.reusable(length, ofState: 300, promptCount: promptCount)
                var resumed = [Conversation(promptCount: promptCount, outputCount: 3)]
                resumed[0].cached = reused
                resumed[0].roundings[..<reused] = alone[0].roundings[..<reused]
                run(&resumed, setup, budget: { .max })
                let difference = resumed[0].firstDifference(from: alone[0])
                #expect(difference == nil, "\(setup.testDescription): \(length) of \(promptCount)")
            }
            #expect(setup.shape.reusable(promptCount, ofState: promptCount, promptCount: promptCount) < promptCount)
            #expect(setup.shape.reusable(50, ofState: 50, promptCount: 190) == 50)
        }
    }

    /// The model tells good rules from bad ones: without the limit, weights of other types round differently under load.
    @Test func theModelFindsAMissingRule() {
        let setup = Setup(usesFlashAttention: true, rowLimit: 1)
        let shape = BatchShape(microBatchSize: setup.microBatchSize, isReproducible: true, usesUnifiedKV: false)
        #expect(shape.decodeBatchLimit > 1 && setup.shape.decodeBatchLimit == 1)
        #expect(setup.rounding(count: 1, total: 1) != setup.rounding(count: 1, total: 2))
        #expect(setup.rounding(count: 64, total: 64) == setup.rounding(count: 128, total: 128))
    }

    /// A prompt has its turn when each generating sequence has had one, so neither waits for long.
    @Test(arguments: [1, 3]) func promptsAndGeneratedTokensAlternate(limit: Int) {
        var planner = BatchPlanner(shape: Setup(usesFlashAttention: true, rowLimit: limit).shape)
        let pending =
            (0..<6).map { BatchPlanner.PendingTokens(slot: $0, count: 1, isDecoding: true) }
            + (6..<8).map { BatchPlanner.PendingTokens(slot: $0, count: 640, isAligned: true, isAlone: true) }
        var prompts: [Int] = []
        var generated = [Int](repeating: 0, count: 6)
        var scheduled: [BatchPlanner.ScheduledTokens] = []
        for _ in 0..<(4 * (6 / limit + 1)) {
            planner.plan(pending, promptBudget: 200, into: &scheduled)
            if scheduled[0].slot >= 6 {
                #expect(scheduled.map(\.count) == [192])
                prompts.append(scheduled[0].slot)
            } else {
                #expect(scheduled.count == limit && scheduled.allSatisfy { $0.count == 1 && $0.isDecoding })
                for part in scheduled { generated[part.slot] += 1 }
            }
        }
        #expect(prompts == [6, 7, 6, 7] && generated == Array(repeating: 4, count: 6))
    }
}
