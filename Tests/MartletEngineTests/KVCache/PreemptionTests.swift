import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Running sequences that lose their cells to others, and complete with the same text.
@Suite struct PreemptionTests {
    private static func submit(
        _ bench: ControlBench, salt: Int, prompt: Int, tokens: Int
    ) throws -> GenerationHandle {
        try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(KVCacheKindTests.tokens(prompt, salt))], addsBeginning: false)
            $0.parameters.maximumTokens = tokens
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.probabilities = ProbabilityRequest(count: 2)
            $0.parameters.cache.retention = .none
            $0.reasoning = nil
        }
    }

    /// Runs steps until nothing is left to compute, and checks the KV cache after each.
    private func runUntilIdle(_ bench: ControlBench, _ observe: () -> Void = {}) {
        for _ in 0..<1_500 {
            _ = bench.loop.runStep()
            CacheIsolationTests.check(bench.loop.core)
            observe()
            if bench.loop.core.scheduler.isIdle { return }
        }
    }

    private static func ramReuse(_ bench: ControlBench) -> UInt64 {
        bench.loop.core.cacheStatus().tiers.first { $0.tier == .ram }?.reusedTokens ?? 0
    }

    /// Equal tokens, up to a place where two tokens were almost equally likely: cells in another order round
    /// differently.
    static func expectSameText(
        _ first: EventLog.Completion, _ second: EventLog.Completion,
        location: SourceLocation = #_sourceLocation
    ) {
        guard first.tokens != second.tokens else { return }
        let index = zip(first.tokens, second.tokens).prefix { $0 == $1 }.count
        guard index < min(first.probabilities.count, second.probabilities.count) else {
            Issue.record("\(first.tokens.count) and \(second.tokens.count) tokens", sourceLocation: location)
            return
        }
        let likely = (1..<first.probabilities[index].count).map { first.probabilities[index][$0].value }
        let gap = likely.count == 2 ? abs(likely[0] - likely[1]) : .infinity
        #expect(gap < 0.25, "token \(index) differs with a gap of \(gap)", sourceLocation: location)
    }

    /// A sequence that is preempted at any token continues from memory. With separate KV caches its text is the same to
    /// the token.
    @Test(arguments: SwappingTests.models) func aPreemptedSequenceContinuesFromMemory(model: String) throws {
        let alone = try ControlBench(model: model, sequences: 2, context: 512)
        let reference = try Self.submit(alone, salt: 3, prompt: 200, tokens: 40)
        alone.run(reference)
        let expected = alone.completion(reference)
        #expect(expected.tokens.count == 40)
        for moment in [1, 30] {
            let bench = try ControlBench(model: model, sequences: 2, context: 512)
            let other = try Self.submit(bench, salt: 9, prompt: 150, tokens: 60)
            let victim = try Self.submit(bench, salt: 3, prompt: 200, tokens: 40)
            bench.run(victim, to: moment)
            let running = try #require(bench.loop.core.scheduler.runningSequence(victim))
            bench.loop.core.preempt(running)
            CacheIsolationTests.check(bench.loop.core)
            bench.run(victim)
            bench.run(other)
            let completion = bench.completion(victim)
            #expect(completion.error == nil && completion.starts == 1)
            #expect(bench.completion(other).tokens.count == 60)
            #expect(Self.ramReuse(bench) >= 199, "moment \(moment)")
            #expect(completion.tokens == expected.tokens, "moment \(moment)")
        }
    }

    /// Three sequences outgrow a unified KV cache: the youngest waits in the RAM tier, the others lose nothing.
    @Test(arguments: SwappingTests.models) func aFullPoolHarmsOneSequence(model: String) throws {
        var expected: [EventLog.Completion] = []
        let alone = try ControlBench(model: model, sequences: 3, context: 1_024, usesUnifiedKV: true)
        for salt in 1...3 {
            let handle = try Self.submit(alone, salt: salt, prompt: 100, tokens: 100)
            alone.run(handle)
            expected.append(alone.completion(handle))
        }
        let bench = try ControlBench(model: model, sequences: 3, context: 512, usesUnifiedKV: true)
        let handles = try (1...3).map { try Self.submit(bench, salt: $0, prompt: 100, tokens: 100) }
        var preempted: Set<Int> = []
        runUntilIdle(bench) {
            for (index, handle) in handles.enumerated()
            where bench.loop.core.scheduler.waiting.find(id: handle.rawValue)?.element.hasBegun == true {
                preempted.insert(index)
            }
        }
        #expect(preempted == [2])
        #expect(Self.ramReuse(bench) > 0)
        for (handle, reference) in zip(handles, expected) {
            let completion = bench.completion(handle)
            #expect(completion.error == nil && completion.tokens.count == 100 && completion.starts == 1)
            Self.expectSameText(reference, completion)
        }
    }
}
