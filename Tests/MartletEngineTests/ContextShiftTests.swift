import MartletEngine
import MartletProtocol
import Testing

@Suite struct ContextShiftTests {
    private let prompt = RunningEngine.chat("Tell me a story.")

    private func completion(
        _ running: RunningEngine, tokens: Int = 700, _ shift: ContextShift?
    ) async -> EventLog.Completion {
        await running.completion(prompt) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = tokens
            $0.parameters.contextShift = shift
            $0.parameters.reusesPrompt = true
        }
    }

    private func engine(model: String = TestModels.fledgling) -> RunningEngine {
        RunningEngine(model: model) { $0.contextLength = 256 }
    }

    @Test func aFullContextEndsTheGenerationUnlessItMayShift() async {
        let running = engine()
        defer { running.engine.shutdown() }
        let ended = await completion(running, nil)
        #expect(ended.summary?.reason == .contextFull)
        #expect(ended.summary?.isTruncated == false)
        for shift in [ContextShift(), ContextShift(keep: -1), ContextShift(keep: 10, discard: 1)] {
            let shifted = await completion(running, shift)
            #expect(shifted.summary?.reason == .tokenLimit)
            #expect(shifted.tokens.count == 700)
            #expect(shifted.summary?.isTruncated == true)
            // No token had been dropped up to there.
            #expect(shifted.tokens.prefix(ended.tokens.count) == ended.tokens[...])
        }
    }

    @Test func shiftedCacheIsNotReusedAsAPrefix() async {
        let running = engine()
        defer { running.engine.shutdown() }
        let fresh = await completion(running, tokens: 40, nil)
        _ = await completion(running, ContextShift(keep: 20))
        let again = await completion(running, tokens: 40, nil)
        #expect(again.tokens == fresh.tokens)
    }

    @Test(.enabled(if: TestModels.exists(TestModels.random("micro-mamba"))))
    func aKVCacheThatCannotShiftEndsTheGeneration() async {
        let running = engine(model: TestModels.random("micro-mamba"))
        defer { running.engine.shutdown() }
        let ended = await completion(running, ContextShift())
        #expect(ended.summary?.reason == .contextFull || ended.summary?.reason == .tokenLimit)
    }
}
