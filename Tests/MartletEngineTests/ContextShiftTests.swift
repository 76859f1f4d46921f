import MartletEngine
import MartletProtocol
import Testing

@Suite struct ContextShiftTests {
    private let prompt = RunningEngine.chat("Tell me a story.")

    private func answer(
        _ running: RunningEngine, tokens: Int = 700, _ shift: ContextShift?
    ) async -> EventLog.Answer {
        await running.answer(prompt) {
            $0.ignoresEndOfGeneration = true
            $0.maximumTokens = tokens
            $0.contextShift = shift
            $0.reusesPrompt = true
        }
    }

    private func engine(model: String = TestModels.fledgling) -> RunningEngine {
        RunningEngine(model: model) { $0.contextLength = 256 }
    }

    @Test func aFullContextEndsTheAnswerUnlessItMayShift() async {
        let running = engine()
        defer { running.engine.shutdown() }
        let ended = await answer(running, nil)
        #expect(ended.completion?.reason == .contextFull)
        #expect(ended.completion?.isTruncated == false)
        for shift in [ContextShift(), ContextShift(keep: -1), ContextShift(keep: 10, discard: 1)] {
            let shifted = await answer(running, shift)
            #expect(shifted.completion?.reason == .tokenLimit)
            #expect(shifted.tokens.count == 700)
            #expect(shifted.completion?.isTruncated == true)
            // Up to there nothing was dropped.
            #expect(shifted.tokens.prefix(ended.tokens.count) == ended.tokens[...])
        }
    }

    @Test func whatWasShiftedIsNotTakenForAPrompt() async {
        let running = engine()
        defer { running.engine.shutdown() }
        let fresh = await answer(running, tokens: 40, nil)
        _ = await answer(running, ContextShift(keep: 20))
        let again = await answer(running, tokens: 40, nil)
        #expect(again.tokens == fresh.tokens)
    }

    @Test(.enabled(if: TestModels.exists(TestModels.random("micro-mamba"))))
    func amemoryThatCannotBeMovedEndsTheAnswer() async {
        let running = engine(model: TestModels.random("micro-mamba"))
        defer { running.engine.shutdown() }
        let ended = await answer(running, ContextShift())
        #expect(ended.completion?.reason == .contextFull || ended.completion?.reason == .tokenLimit)
    }
}
