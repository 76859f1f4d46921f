import MartletEngine
import MartletProtocol
import Testing

/// A continued generation has the same output as an uninterrupted one.
@Suite struct ContinuationTests {
    typealias Change = @Sendable (inout GenerationRequest) -> Void

    private static let count = RunningEngine.chat("Count from 1 to 9.")
    private static let story = RunningEngine.chat("Tell me a story about Zoë and a fox.")

    /// The events from the first new token on: one entry per token, and one for the end.
    private struct ReportedEvent: Equatable {
        var token: Int32?
        var text: String
        var probabilities: [TokenProbabilities]
        var reason: GenerationSummary.Reason?
        var promptTokens: Int?
        var predictedTokens: Int?
    }

    private func reported(_ events: [EngineEvent]) -> [ReportedEvent] {
        events.compactMap { event in
            switch event.kind {
            case .token(let id, let text):
                ReportedEvent(
                    token: id, text: String(decoding: text, as: UTF8.self), probabilities: event.probabilities)
            case .finished(let summary, let text):
                ReportedEvent(
                    token: nil, text: String(decoding: text, as: UTF8.self), probabilities: event.probabilities,
                    reason: summary.reason, promptTokens: summary.timings.promptTokens,
                    predictedTokens: summary.timings.predictedTokens)
            default: nil
            }
        }
    }

    private static let variants: [(name: String, prompt: Prompt, change: Change)] = [
        ("greedy", count, { _ in }),
        ("stop that is found", count, { $0.parameters.stops = ["7, 8", ", 5, 6, 7x"] }),
        ("stop that is only begun", count, { $0.parameters.stops = [", 9 and more"] }),
        ("limit", count, { $0.parameters.maximumTokens = 7 }),
        (
            "limit within a begun stop", count,
            { ($0.parameters.maximumTokens, $0.parameters.stops) = (10, [", 3, 4, 5, 6 and"]) }
        ),
        (
            "probabilities", count,
            { ($0.parameters.probabilities, $0.parameters.stops) = (ProbabilityRequest(count: 3), [", 5, 6, 7x"]) }
        ),
        (
            "probabilities, stopped", count,
            { ($0.parameters.probabilities, $0.parameters.stops) = (ProbabilityRequest(count: 2), ["7, 8"]) }
        ),
        ("seeded", story, { seeded(&$0) }),
        (
            "no filter: broken characters", story,
            {
                seeded(&$0)
                (
                    $0.parameters.sampling.temperature, $0.parameters.sampling.topK, $0.parameters.sampling.topP,
                    $0.parameters.sampling.minP
                ) = (4, 0, 1, 0)
                $0.parameters.ignoresEndOfGeneration = true
            }
        ),
        (
            "penalties", story,
            {
                seeded(&$0)
                (
                    $0.parameters.sampling.repeatPenalty, $0.parameters.sampling.frequencyPenalty,
                    $0.parameters.sampling.repeatLastN
                ) = (1.3, 0.4, 12)
                ($0.parameters.sampling.dry.multiplier, $0.parameters.sampling.xtcProbability) = (0.8, 0.5)
            }
        ),
        (
            "probabilities after sampling", story,
            {
                seeded(&$0)
                $0.parameters.probabilities = ProbabilityRequest(count: 4, stage: .afterSampling)
            }
        ),
        (
            "mirostat", story,
            { (request) in
                seeded(&request); request.parameters.sampling.mirostat = .first
            }
        ),
        (
            "mirostat 2", story,
            { (request) in
                seeded(&request); request.parameters.sampling.mirostat = .second
            }
        ),
        (
            "adaptive", story,
            {
                seeded(&$0)
                $0.parameters.sampling.samplers.append(.adaptiveP)
                $0.parameters.sampling.adaptiveTarget = 0.4
                $0.parameters.probabilities = ProbabilityRequest(count: 2)
            }
        ),
    ]

    @Sendable private static func seeded(_ request: inout GenerationRequest) {
        request.parameters.sampling.temperature = 1.2
        request.parameters.sampling.seed = 77
        request.parameters.maximumTokens = 28
    }

    @Test(arguments: variants.indices)
    func everyCutIsContinuedWithTheRest(index: Int) async {
        let (name, prompt, change) = Self.variants[index]
        let running = RunningEngine { $0.sequenceCount = 4 }
        let whole = running.submit(prompt, change)
        let tokens = await running.log.completion(whole).tokens
        let expected = reported(running.log.recorded(of: whole))
        #expect(tokens.count > 5, "\(name)")
        // All run together: other sequences make no difference.
        let handles = (0...tokens.count).map { cut in
            running.submit(prompt) {
                change(&$0)
                $0.continuation = Array(tokens[..<cut])
                $0.parameters.reportsProgress = cut % 2 == 1
            }
        }
        for (cut, handle) in handles.enumerated() {
            let completion = await running.log.completion(handle)
            #expect(reported(running.log.recorded(of: handle)) == Array(expected[cut...]), "\(name), cut at \(cut)")
            #expect(cut == 0 || completion.progress.isEmpty)
        }
        running.engine.shutdown()
    }

    @Test func aLongContinuationIsComputedAsItWasDecoded() async {
        let running = RunningEngine()
        let change: Change = {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 600
        }
        let whole = await running.completion(Self.story, change)
        for cut in [63, 64, 65, 200, 431, 599] {
            let rest = await running.completion(Self.story) {
                change(&$0)
                $0.continuation = Array(whole.tokens[..<cut])
                $0.parameters.reusesPrompt = cut % 2 == 0
            }
            #expect(rest.tokens == Array(whole.tokens[cut...]), "cut at \(cut)")
            #expect(rest.summary?.timings.predictedTokens == 600)
            #expect(rest.cachedTokens <= rest.promptTokens)
        }
        running.engine.shutdown()
    }

    @Test func timeOfTheEarlierRunCounts() async {
        let running = RunningEngine()
        let whole = await running.completion(Self.count)
        let rest = await running.completion(Self.count) {
            $0.continuation = Array(whole.tokens[..<4])
            $0.continuationTime = .seconds(30)
            $0.parameters.maximumTime = .seconds(20)
        }
        running.engine.shutdown()
        #expect(rest.summary?.reason == .timeLimit)
        #expect(rest.tokens == [whole.tokens[4]])
        #expect(rest.summary?.timings.predictedTime ?? .zero >= .seconds(30))
    }

    @Test func invalidTokensAreRefused() async {
        let running = RunningEngine()
        let completion = await running.completion(Self.count) { $0.continuation = [5, 2048] }
        running.engine.shutdown()
        #expect(completion.error?.code == .invalidRequest)
        #expect(completion.error?.message.contains("2048") == true)
    }

    @Test func aContextThatIsTooSmallForTheContinuationIsFull() async {
        let running = RunningEngine { $0.contextLength = 256 }
        let completion = await running.completion(Self.count) {
            $0.continuation = [Int32](repeating: 100, count: 300)
            $0.parameters.maximumTokens = nil
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .contextFull)
        #expect(completion.tokens.isEmpty)
    }
}
