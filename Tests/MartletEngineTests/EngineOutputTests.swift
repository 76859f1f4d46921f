import Foundation
import MartletEngine
import MartletProtocol
import Testing

@Suite struct EngineOutputTests {
    @Test func modelCompletesItsTurn() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Count from 1 to 5."))
        #expect(completion.summary?.reason == .endOfGeneration)
        #expect(completion.text.hasSuffix("1, 2, 3, 4, 5"), "\(completion)")
        #expect(completion.summary?.timings.predictedTokens == completion.tokens.count)
        #expect(completion.summary?.timings.promptTokens == completion.promptTokens)
        running.engine.shutdown()
    }

    @Test func eventsComeInOrderWithOneEnd() async {
        let running = RunningEngine()
        let handle = running.submit(RunningEngine.chat("Hello!")) { $0.parameters.reportsProgress = true }
        _ = await running.log.completion(handle)
        running.engine.shutdown()
        let events = running.log.events(of: handle)
        guard case .admitted = events[0], case .started = events[1] else {
            Issue.record("begins with \(events.prefix(2))")
            return
        }
        #expect(events.count(where: \.isTerminal) == 1)
        #expect(events.last?.isTerminal == true)
        let firstToken = events.firstIndex(where: \.isToken) ?? 0
        let lastProgress = events.lastIndex { if case .promptProgress = $0 { true } else { false } } ?? .max
        #expect(lastProgress < firstToken)
    }

    @Test func progressGoesFromCachedToTotal() async {
        let running = RunningEngine { $0.microBatchSize = 64 }
        let long = String(repeating: "The old man counts the stones. ", count: 40)
        let completion = await running.completion(RunningEngine.chat(long)) {
            $0.parameters.reportsProgress = true
            $0.parameters.maximumTokens = 1
        }
        running.engine.shutdown()
        #expect(completion.progress.first?.processed == 0)
        #expect(completion.progress.last?.processed == completion.promptTokens)
        #expect(completion.progress.allSatisfy { $0.total == completion.promptTokens && $0.cached == 0 })
        #expect(completion.progress.count > 4)
        #expect(zip(completion.progress, completion.progress.dropFirst()).allSatisfy { $0.processed < $1.processed })
    }

    @Test func seedFixesTheOutput() async {
        let running = RunningEngine()
        func story(seed: UInt64) async -> EventLog.Completion {
            await running.completion(RunningEngine.chat("Tell me a story about a fox.")) {
                $0.parameters.sampling.temperature = 1.5
                $0.parameters.sampling.topK = 0
                $0.parameters.sampling.topP = 1
                $0.parameters.sampling.minP = 0
                $0.parameters.sampling.seed = seed
            }
        }
        let (first, second, other) = await (story(seed: 1), story(seed: 1), story(seed: 2))
        running.engine.shutdown()
        #expect(first.tokens == second.tokens)
        #expect(first.tokens != other.tokens)
    }

    @Test func noTokensMeansOnlyThePrompt() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Hi")) { $0.parameters.maximumTokens = 0 }
        #expect(completion.summary?.reason == .tokenLimit)
        #expect(completion.tokens.isEmpty)
        let status = try? await running.engine.status()
        #expect(status?.slots[0].kvCacheTokens == completion.promptTokens)
        running.engine.shutdown()
    }

    @Test func tokenLimitEndsTheGeneration() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Count from 1 to 30.")) {
            $0.parameters.maximumTokens = 7
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .tokenLimit)
        #expect(completion.tokens.count == 7)
    }

    @Test func timeLimitEndsTheGeneration() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Count from 1 to 30.")) {
            $0.parameters.maximumTime = .zero
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .timeLimit)
        #expect(completion.tokens.count == 1)
    }

    @Test func stopTextIsFoundOverTokenBoundariesAndNotShown() async {
        let running = RunningEngine()
        let whole = await running.completion(RunningEngine.chat("Count from 1 to 9."))
        let completion = await running.completion(RunningEngine.chat("Count from 1 to 9.")) {
            $0.parameters.stops = ["7, 8", ", 5, 6, 7x"]
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .stopText("7, 8"))
        #expect(completion.text == whole.text.components(before: "7, 8"))
    }

    @Test func pendingTextIsDeliveredWhenNoStopFollows() async {
        let running = RunningEngine()
        let whole = await running.completion(RunningEngine.chat("Count from 1 to 9."))
        let completion = await running.completion(RunningEngine.chat("Count from 1 to 9.")) {
            $0.parameters.stops = [", 9 and more"]
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .endOfGeneration)
        #expect(completion.text == whole.text)
    }

    @Test func endOfGenerationCanBeIgnored() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Hello!")) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 300
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .tokenLimit)
        #expect(completion.tokens.count == 300)
    }

    @Test func fullContextEndsTheGeneration() async {
        let running = RunningEngine { $0.contextLength = 256 }
        let completion = await running.completion(RunningEngine.chat("Hello!")) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = nil
        }
        running.engine.shutdown()
        #expect(completion.summary?.reason == .contextFull)
        #expect(completion.promptTokens + completion.tokens.count == 256)
    }

    @Test func controlTokensHaveTextOnlyIfTheRequestAsksForIt() async throws {
        let running = RunningEngine()
        // After a forced end of turn the model certainly continues, so the test looks at the end delimiter.
        func completion(delimiters: [String]) async -> EventLog.Completion {
            await running.completion(Prompt(pieces: [.text("<|im_start|>", isTrusted: true)], addsBeginning: false)) {
                $0.visibleDelimiters = delimiters
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.maximumTokens = 400
                $0.parameters.sampling.temperature = 1
                $0.parameters.sampling.seed = 3
            }
        }
        let hidden = await completion(delimiters: [])
        let visible = await completion(delimiters: ["<|im_start|>"])
        let start = try await running.engine.tokenize(
            Prompt(pieces: [.text("<|im_start|>", isTrusted: true)], addsBeginning: false))
        running.engine.shutdown()
        #expect(hidden.tokens == visible.tokens)
        let count = hidden.tokens.count { $0 == start[0].id }
        #expect(!hidden.text.contains("<|im_start|>"))
        #expect(visible.text.components(count: "<|im_start|>") == count)
    }

    @Test func controlTokensAlwaysHaveTextIfTheServerIsConfiguredSo() async throws {
        func completion(shows: Bool) async throws -> EventLog.Completion {
            let running = RunningEngine { $0.showsControlTokens = shows }
            defer { running.engine.shutdown() }
            let start = try await running.engine.tokenize(
                Prompt(pieces: [.text("<|im_start|>", isTrusted: true)], addsBeginning: false))
            return await running.completion(RunningEngine.chat("Hello!")) {
                $0.parameters.sampling.logitBiases = [LogitBias(.token(start[0].id), bias: 1_000)]
                $0.parameters.maximumTokens = 3
            }
        }
        #expect(try await completion(shows: false).text == "")
        #expect(try await completion(shows: true).text == "<|im_start|><|im_start|><|im_start|>")
    }

    @Test func anEngineThatDoesNotWarmUpHasTheSameOutput() async {
        func completion(warmsUp: Bool) async -> EventLog.Completion {
            let running = RunningEngine { $0.warmsUp = warmsUp }
            defer { running.engine.shutdown() }
            return await running.completion(RunningEngine.chat("Hello!")) { $0.parameters.maximumTokens = 20 }
        }
        let (warm, cold) = (await completion(warmsUp: true), await completion(warmsUp: false))
        #expect(warm.tokens == cold.tokens && !cold.tokens.isEmpty)
    }

    @Test func aPromptThatIsCertainlyTooLongIsRefusedBeforeTokenizing() async {
        let running = RunningEngine { $0.contextLength = 256 }
        let text = String(repeating: "word ", count: 100_000)
        let completion = await running.completion(Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: true))
        running.engine.shutdown()
        #expect(completion.error?.code == .contextExceeded)
        #expect(completion.error?.message.contains("at least") == true)
        #expect((256...100_000).contains(completion.error?.promptTokens ?? 0))
    }

    @Test func promptBeyondTheContextIsRefusedWithItsSize() async {
        let running = RunningEngine { $0.contextLength = 256 }
        let tokens = [Int32](repeating: 100, count: 300)
        let completion = await running.completion(Prompt(pieces: [.tokens(tokens)], addsBeginning: false))
        running.engine.shutdown()
        #expect(completion.error?.code == .contextExceeded)
        #expect(completion.error?.promptTokens == 300)
        #expect(completion.error?.contextSize == 256)
        #expect(
            completion.error?.message
                == "request (300 tokens) exceeds the available context size (256 tokens), try increasing it")
    }

    @Test func invalidTokensAreRefused() async {
        let running = RunningEngine()
        for token: Int32 in [-1, 2048, .max] {
            let completion = await running.completion(Prompt(pieces: [.tokens([5, token])], addsBeginning: false))
            #expect(completion.error?.code == .invalidRequest)
            #expect(completion.error?.message.contains("\(token)") == true)
        }
        running.engine.shutdown()
    }

    @Test func commonBeginningIsNotComputedAgain() async {
        let running = RunningEngine()
        let long = "Remember: " + (1...60).map { "stone \($0)" }.joined(separator: ", ")
        let first = await running.completion(RunningEngine.chat(long))
        let second = await running.completion(RunningEngine.chat(long))
        let without = await running.completion(RunningEngine.chat(long)) { $0.parameters.reusesPrompt = false }
        running.engine.shutdown()
        #expect(first.cachedTokens == 0)
        // Plain attention computes the last two tokens together, flash attention the last one.
        #expect([1, 2].contains(first.promptTokens - second.cachedTokens))
        #expect(without.cachedTokens == 0)
        #expect(first.tokens == second.tokens)
        #expect(first.tokens == without.tokens)
    }
}

extension String {
    fileprivate func components(before text: String) -> String {
        range(of: text).map { String(self[..<$0.lowerBound]) } ?? self
    }

    fileprivate func components(count text: String) -> Int { components(separatedBy: text).count - 1 }
}
