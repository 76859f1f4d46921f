import MartletEngine
import MartletProtocol
import Testing

/// One generation never changes another.
@Suite struct ParallelTests {
    /// 32 prompts of various lengths, some of which begin alike.
    static let prompts: [Prompt] = (0..<32).map { index in
        let filler = String(repeating: "The river runs past stone \(index % 5). ", count: index * 2)
        let question = [
            "Count from \(index) to \(index + 15).", "Tell me a story about a fox.", "What is \(index) + 13?",
        ]
        return RunningEngine.chat(filler + question[index % 3])
    }

    /// What each of them is answered when nothing else runs.
    static let alone = Task {
        let running = RunningEngine()
        var completions: [EventLog.Completion] = []
        for prompt in prompts {
            completions.append(await running.completion(prompt) { $0.reusesPrompt = false })
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
        let handles = Self.prompts.map { running.submit($0) { $0.reusesPrompt = false } }
        for (index, handle) in handles.enumerated() {
            #expect(await running.log.completion(handle).tokens == alone[index].tokens)
        }
        running.engine.shutdown()
    }

    /// Of every kind of draw, and with one that has to be sampled alone.
    @Test func parallelSamplingEqualsSequentialSampling() async {
        func completions(_ sampling: ParallelSampling) async -> [[Int32]] {
            let running = RunningEngine {
                $0.sequenceCount = 8
                $0.parallelSampling = sampling
            }
            _ = await running.log.settled()
            let handles = Self.prompts.prefix(16).enumerated().map { index, prompt in
                running.submit(prompt) {
                    $0.reusesPrompt = false
                    $0.sampling.seed = UInt64(index)
                    $0.sampling.temperature = index % 4 == 0 ? 0 : 1
                    $0.sampling.repeatPenalty = index % 3 == 0 ? 1.2 : 1
                    $0.sampling.mirostat = index % 5 == 4 ? .second : .off
                    if index % 7 == 3 {
                        $0.probabilities = ProbabilityRequest(count: 2, stage: .afterSampling)
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

    @Test func fullPoolPreemptsSomeAndLosesNone() async {
        // 32 completions need some 10,000 tokens; the pool has 2,048.
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

    @Test func growthBeyondThePoolPausesOneAtATime() async {
        let running = RunningEngine {
            $0.contextLength = 512
            $0.kvCacheLayout = .unified
            $0.sequenceCount = 4
        }
        let handles = (0..<4).map { index in
            running.submit(RunningEngine.chat("Hello \(index)!")) {
                $0.ignoresEndOfGeneration = true
                $0.maximumTokens = 300
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
