import MartletProtocol
import Testing

@testable import MartletEngine

/// Prompts that begin alike are computed once, whether their common prefix is idle, running or still being computed.
@Suite struct PrefixSharingTests {
    /// The demo model, and random models of the other memory kinds if the set-up could make them.
    static let models =
        [TestModels.fledgling]
        + ["micro", "micro-swa", "micro-hybrid", "micro-mamba"].map(TestModels.random).filter(TestModels.exists)

    static func tokens(_ count: Int, _ salt: Int) -> [Int32] { (0..<count).map { Int32(20 + ($0 * 7 + salt) % 300) } }

    /// Submits a greedy request of certain tokens.
    @discardableResult
    private func submit(
        _ bench: ControlBench, _ prompt: [Int32], count: Int = 8,
        _ change: (inout GenerationRequest) -> Void = { _ in }
    ) throws -> GenerationHandle {
        try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
            $0.parameters.maximumTokens = count
            $0.parameters.ignoresEndOfGeneration = true
            $0.reasoning = nil
            change(&$0)
        }
    }

    private func finish(_ bench: ControlBench, _ handles: [GenerationHandle]) {
        for handle in handles { bench.run(handle) }
    }

    /// The output of each prompt in an engine of its own, without reuse.
    private func alone(_ model: String, _ prompts: [[Int32]]) throws -> [[Int32]] {
        try prompts.map { prompt in
            let bench = try ControlBench(model: model, sequences: 1, context: 2_048)
            let handle = try submit(bench, prompt)
            bench.run(handle)
            return bench.completion(handle).tokens
        }
    }

    /// Agents with one system prompt that start together. One computes it, the others wait and share it.
    @Test(arguments: models, [false, true])
    func aCommonPromptIsComputedOnce(model: String, isUnified: Bool) throws {
        let agents = 6
        let bench = try ControlBench(
            model: model, sequences: agents, context: isUnified ? 4_096 : 1_024, usesUnifiedKV: isUnified)
        let beginning = Self.tokens(400, 0)
        let tails = (0..<agents).map { Self.tokens(30 + $0, 1_000 + 13 * $0) }
        let handles = try tails.map { try submit(bench, beginning + $0) }
        finish(bench, handles)
        let computed = Int(bench.board.copy.counters.promptTokens)
        // Up to 63 items behind the last whole chunk are computed by each.
        #expect(computed <= 400 + tails.reduce(0) { $0 + $1.count } + agents * 64)
        for handle in handles.dropFirst() {
            #expect(bench.completion(handle).summary?.timings.cachedTokens ?? 0 >= 384)
        }
        for handle in handles { #expect(bench.completion(handle).error == nil) }
        // In a unified KV cache rounding depends on the order of cells.
        guard !isUnified else { return }
        let expected = try alone(model, tails.map { beginning + $0 })
        for (handle, tokens) in zip(handles, expected) { #expect(bench.completion(handle).tokens == tokens) }
    }

    /// The ways in which the source of a common prefix stops.
    enum Loss: CaseIterable { case cancelled, preempted, failed, paused }

    /// If the source of a common prefix stops in its prefill, another sequence continues, and the rest follows it.
    @Test(arguments: models, Loss.allCases)
    func aSequenceWhoseSourceStopsContinues(model: String, loss: Loss) throws {
        let bench = try ControlBench(model: model, sequences: 4, context: 2_048)
        let beginning = Self.tokens(1_200, 0)
        let first = try submit(bench, beginning + Self.tokens(10, 7))
        let others = try (0..<3).map { try submit(bench, beginning + Self.tokens(20, 50 + $0)) }
        _ = bench.loop.runStep()
        #expect(bench.completion(first).tokens.isEmpty)
        let source = try #require(bench.loop.core.scheduler.runningSequence(first))
        let waiting = bench.loop.core.scheduler.running.compactMap { $0?.awaited?.source }
        #expect(waiting == [first, first, first])
        switch loss {
        case .cancelled: bench.mailbox.post(.cancel(first))
        case .preempted: bench.loop.core.preempt(source)
        case .failed: bench.loop.core.fail(source, EngineError(.generationFailed, "a failed decode"))
        case .paused: bench.send(.pause, first)
        }
        finish(bench, others)
        let completions = others.map(bench.completion)
        #expect(completions.allSatisfy { $0.error == nil && $0.tokens.count == 8 && $0.starts == 1 })
        #expect(Int(bench.board.copy.counters.promptTokens) <= 2 * 1_200 + 4 * (20 + 64))
        let expected = try alone(model, (0..<3).map { beginning + Self.tokens(20, 50 + $0) })
        #expect(completions.map(\.tokens) == expected)
    }

    /// Three conversations alternate on four sequences; each turn continues its own state, on every memory kind.
    @Test(arguments: models, [false, true])
    func turnsOfAConversationContinueItsState(model: String, isUnified: Bool) throws {
        let bench = try ControlBench(
            model: model, sequences: 4, context: isUnified ? 8_192 : 2_048, usesUnifiedKV: isUnified)
        var histories = (0..<3).map { Self.tokens(600, 100 * $0) }
        var (prompted, cached) = (0, 0)
        for turn in 0..<4 {
            for index in histories.indices {
                let handle = try submit(bench, histories[index])
                bench.run(handle)
                let completion = bench.completion(handle)
                if turn > 0 {
                    prompted += completion.promptTokens
                    cached += completion.summary?.timings.cachedTokens ?? 0
                }
                histories[index] += completion.tokens + Self.tokens(10, turn)
            }
        }
        #expect(Double(cached) >= 0.97 * Double(prompted - 9 * 11))
    }

    /// In a unified KV cache there are more prefixes than slots, and a hit needs no idle slot with the prefix.
    @Test func moreConversationsThanSlotsStayInAUnifiedCache() throws {
        let bench = try ControlBench(sequences: 2, context: 8_192, usesUnifiedKV: true, entries: 16)
        var histories = (0..<6).map { Self.tokens(500, 37 * $0) }
        for turn in 0..<3 {
            for index in histories.indices {
                let handle = try submit(bench, histories[index])
                bench.run(handle)
                let completion = bench.completion(handle)
                let cached = completion.summary?.timings.cachedTokens ?? 0
                #expect(turn == 0 ? cached == 0 : cached >= completion.promptTokens - 75)
                histories[index] += completion.tokens + Self.tokens(10, turn)
            }
        }
    }

    @Test(arguments: [false, true]) func aScopeNeverReusesItemsOfAnother(isUnified: Bool) throws {
        let bench = try ControlBench(sequences: 3, context: 2_048, usesUnifiedKV: isUnified, entries: isUnified ? 8 : 3)
        let prompt = Self.tokens(400, 0)
        func cached(_ scope: UInt64, _ change: (inout GenerationRequest) -> Void = { _ in }) throws -> Int {
            let handle = try submit(bench, prompt) {
                $0.tenant.cacheScope = scope
                change(&$0)
            }
            bench.run(handle)
            return bench.completion(handle).summary?.timings.cachedTokens ?? -1
        }
        #expect(try cached(1) == 0)
        #expect(try cached(2) == 0)
        #expect(try cached(1) >= 336)
        #expect(try cached(1) { $0.parameters.reusesPrompt = false } == 0)
        #expect(try cached(2) { $0.parameters.cache.retention = .none } >= 336)
    }

    /// A request that leaves nothing behind is not found by the next one.
    @Test func aRequestWithoutRetentionLeavesNothing() throws {
        let bench = try ControlBench(sequences: 2)
        for _ in 0..<2 {
            let handle = try submit(bench, Self.tokens(300, 0)) { $0.parameters.cache.retention = .none }
            bench.run(handle)
            #expect(bench.completion(handle).summary?.timings.cachedTokens == 0)
        }
    }

    /// Random prompts, cancellations, pauses and rewinds. Every reused item belongs to a prefix of the same tokens: the
    /// output equals that of an engine without reuse.
    @Test(arguments: [TestModels.fledgling], 0..<4) func reuseChangesNoOutput(model: String, seed: Int) throws {
        var random = CounterRandom(seed: UInt64(seed) + 77)
        let bench = try ControlBench(model: model, sequences: 3, context: 1_024)
        var prompts: [[Int32]] = []
        var handles: [GenerationHandle] = []
        var cancelled: Set<Int> = []
        for _ in 0..<24 {
            let base = prompts.isEmpty || random.next(below: 3) == 0 ? [] : prompts[random.next(below: prompts.count)]
            let kept = base.prefix(base.isEmpty ? 0 : random.next(below: base.count + 1))
            prompts.append(kept.prefix(500) + Self.tokens(5 + random.next(below: 150), random.next(below: 1_000)))
            handles.append(try submit(bench, prompts[prompts.count - 1]))
            for _ in 0..<random.next(below: 8) { _ = bench.loop.runStep() }
            if random.next(below: 5) == 0 {
                let victim = random.next(below: handles.count)
                if !bench.completion(handles[victim]).isEnded { cancelled.insert(victim) }
                bench.mailbox.post(.cancel(handles[victim]))
            }
        }
        finish(bench, handles)
        let expected = try alone(model, prompts)
        for index in handles.indices where !cancelled.contains(index) {
            #expect(bench.completion(handles[index]).tokens == expected[index])
        }
    }
}
