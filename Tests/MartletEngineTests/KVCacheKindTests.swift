import MartletEngine
import MartletProtocol
import Testing

/// A KV cache that cannot be cut is computed again, with the same output.
@Suite struct KVCacheKindTests {
    /// Random models exist only if the set-up could make them.
    static let models = ["micro", "micro-swa", "micro-hybrid", "micro-mamba"].map(TestModels.random)
        .filter(TestModels.exists)

    static func tokens(_ count: Int, _ salt: Int) -> [Int32] { (0..<count).map { Int32(20 + ($0 * 7 + salt) % 300) } }

    @Test(.enabled(if: !models.isEmpty, "no random models here"), arguments: models)
    func reusedSlotsHaveTheOutputOfFreshSlots(model: String) async {
        // The lengths lie in one span of 64 tokens, so all tokens of the common prefix are computed in the same kind of
        // decode.
        let beginning = Self.tokens(150, 0)
        let prompts = [
            beginning + Self.tokens(60, 1), beginning + Self.tokens(90, 2), beginning + Self.tokens(45, 3),
            beginning + Self.tokens(60, 1),
        ]
        func run(reuse: Bool, _ count: Int) async -> [EventLog.Completion] {
            let running = RunningEngine(model: model) { $0.sequenceCount = count }
            var completions: [EventLog.Completion] = []
            for prompt in prompts {
                completions.append(
                    await running.completion(Prompt(pieces: [.tokens(prompt)], addsBeginning: false)) {
                        $0.parameters.reusesPrompt = reuse
                        $0.parameters.ignoresEndOfGeneration = true
                        $0.parameters.maximumTokens = 40
                    })
            }
            running.engine.shutdown()
            return completions
        }
        let (fresh, reused) = await (run(reuse: false, 1), run(reuse: true, 1))
        for (fresh, reused) in zip(fresh, reused) {
            #expect(fresh.error == nil)
            #expect(fresh.tokens.count == 40)
            #expect(fresh.tokens == reused.tokens)
        }
    }
}
