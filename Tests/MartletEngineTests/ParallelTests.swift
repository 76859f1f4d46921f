import MartletEngine
import MartletProtocol
import Testing

/// Parallel generations do not change each other's output.
@Suite struct ParallelTests {
    /// 32 prompts of various lengths; some begin alike.
    static let prompts: [Prompt] = (0..<32).map { index in
        let filler = String(repeating: "The river runs past stone \(index % 5). ", count: index * 2)
        let question = [
            "Count from \(index) to \(index + 15).", "Tell me a story about a fox.", "What is \(index) + 13?",
        ]
        return RunningEngine.chat(filler + question[index % 3])
    }

    /// The completion of each prompt when it is the only request.
    static let alone = Task {
        let running = RunningEngine()
        var completions: [EventLog.Completion] = []
        for prompt in prompts {
            completions.append(await running.completion(prompt) { $0.parameters.reusesPrompt = false })
        }
        running.engine.shutdown()
        return completions
    }

    @Test func parallelOutputEqualsThatOfRequestsAlone() async {
        let alone = await Self.alone.value
        let running = RunningEngine { $0.sequenceCount = 32 }
        _ = await running.log.settled()
        let handles = Self.prompts.map { running.submit($0) }
        for (index, handle) in handles.enumerated() {
            let completion = await running.log.completion(handle)
            #expect(completion.text == alone[index].text)
            #expect(completion.tokens == alone[index].tokens)
        }
        running.engine.shutdown()
    }

    @Test func waitingGenerationsAreServedAndEqualThoseOfRequestsAlone() async {
        let alone = await Self.alone.value
        let running = RunningEngine { $0.sequenceCount = 5 }
        let handles = Self.prompts.map { running.submit($0) { $0.parameters.reusesPrompt = false } }
        for (index, handle) in handles.enumerated() {
            #expect(await running.log.completion(handle).tokens == alone[index].tokens)
        }
        running.engine.shutdown()
    }

    /// Samples of every kind, among them one that cannot be sampled in parallel.
    @Test func parallelSamplingEqualsSequentialSampling() async {
        func completions(_ sampling: ParallelSampling) async -> [[Int32]] {
            let running = RunningEngine {
                $0.sequenceCount = 8
                $0.parallelSampling = sampling
            }
            _ = await running.log.settled()
            let handles = Self.prompts.prefix(16).enumerated().map { index, prompt in
                running.submit(prompt) {
                    $0.parameters.reusesPrompt = false
                    $0.parameters.sampling.seed = UInt64(index)
                    $0.parameters.sampling.temperature = index % 4 == 0 ? 0 : 1
                    $0.parameters.sampling.repeatPenalty = index % 3 == 0 ? 1.2 : 1
                    $0.parameters.sampling.mirostat = index % 5 == 4 ? .second : .off
                    if index % 7 == 3 {
                        $0.parameters.probabilities = ProbabilityRequest(count: 2, stage: .afterSampling)
                    }
                }
            }
            var tokens: [[Int32]] = []
            for handle in handles { tokens.append(await running.log.completion(handle).tokens) }
            running.engine.shutdown()
            return tokens
        }
        var together = ParallelSampling()
        together.lanes = 3
        together.minimumLogits = 0
        var alone = together
        alone.lanes = 1
        let expected = await completions(alone)
        #expect(await completions(together) == expected)
        #expect(Set(expected).count > 8)
    }

    @Test func aFullKVCachePreemptsSomeGenerationsAndLosesNone() async {
        // 32 completions need about 10,000 tokens; the KV cache has 2,048.
        let running = RunningEngine {
            $0.contextLength = 2048
            $0.kvCacheLayout = .unified
            $0.sequenceCount = 32
        }
        let handles = Self.prompts.map { running.submit($0) }
        for handle in handles {
            let completion = await running.log.completion(handle)
            #expect(completion.summary?.reason == .endOfGeneration || completion.tokens.count == 64, "\(completion)")
            #expect(completion.starts == 1)
        }
        running.engine.shutdown()
    }

    @Test func growthBeyondTheKVCachePreemptsOneAtATime() async {
        let running = RunningEngine {
            $0.contextLength = 512
            $0.kvCacheLayout = .unified
            $0.sequenceCount = 4
        }
        let handles = (0..<4).map { index in
            running.submit(RunningEngine.chat("Hello \(index)!")) {
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.maximumTokens = 300
            }
        }
        for handle in handles {
            let completion = await running.log.completion(handle)
            #expect(completion.summary?.reason == .tokenLimit)
            #expect(completion.tokens.count == 300)
        }
        running.engine.shutdown()
    }
}
