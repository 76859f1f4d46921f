import MartletEngine
import MartletProtocol
import Testing

@Suite struct CancelTests {
    @Test func cancelInTheQueueIsImmediate() async {
        let running = RunningEngine {
            $0.sequenceCount = 1
            $0.contextLength = RunningEngine.endless
        }
        let busy = running.submitEndless()
        let waiting = running.submit(RunningEngine.chat("Hello!"))
        await running.log.started(busy)
        running.engine.cancel(waiting)
        let completion = await running.log.completion(waiting)
        #expect(completion.summary?.reason == .cancelled)
        #expect(!running.log.completionSoFar(busy).isEnded)
        running.engine.cancel(busy)
        #expect(await running.log.completion(busy).summary?.reason == .cancelled)
        running.engine.shutdown()
    }

    @Test func cancelWhileTheModelLoadsEndsTheRequest() async {
        let running = RunningEngine()
        let handle = running.submit(RunningEngine.chat("Hello!"))
        running.engine.cancel(handle)
        let completion = await running.log.completion(handle)
        #expect(completion.summary?.reason == .cancelled)
        running.engine.shutdown()
        #expect(running.log.events(of: handle).count(where: \.isTerminal) == 1)
    }

    @Test func cancelWhileDecodingFreesTheSlotWithinTwoSteps() async throws {
        let running = RunningEngine {
            $0.sequenceCount = 2
            $0.contextLength = RunningEngine.endless
        }
        let other = running.submitEndless()
        let victim = running.submitEndless()
        await running.log.tokens(20, of: victim)
        running.engine.cancel(victim)
        let written = running.log.completionSoFar(other).tokens.count
        _ = await running.log.completion(victim)
        #expect((running.log.tokenCount(of: other, atEndOf: victim) ?? .max) <= written + 2)
        let slots = try await running.engine.status().slots
        #expect(slots.count { $0.phase == .idle } == 1)
        running.engine.cancel(other)
        _ = await running.log.completion(other)
        running.engine.shutdown()
    }

    @Test func cancellationAbortsALongPrefill() async throws {
        let running = RunningEngine { $0.contextLength = 40_000 }
        _ = await running.log.settled()
        let tokens = (0..<30_000).map { Int32(100 + $0 % 1500) }
        let victim = running.submit(Prompt(pieces: [.tokens(tokens)], addsBeginning: false))
        await running.log.started(victim)
        running.engine.cancel(victim)
        _ = await running.log.completion(victim)
        #expect(try await running.engine.status().counters.promptTokens < 30_000)
        let after = await running.completion(RunningEngine.chat("Count from 1 to 5."))
        #expect(after.text.hasSuffix("1, 2, 3, 4, 5"))
        running.engine.shutdown()
    }

    @Test(
        arguments: [
            TestModels.fledgling, TestModels.random("micro-swa"), TestModels.random("micro-hybrid"),
            TestModels.random("micro-mamba"),
        ].filter(TestModels.exists))
    func cancelledPromptsLeaveOtherOutputUnchanged(model: String) async {
        // Random models exist only if the set-up could make them.
        let prompt = Prompt(pieces: [.tokens((0..<200).map { Int32(20 + $0 * 7 % 300) })], addsBeginning: false)
        func run(disturbed: Bool) async -> [Int32] {
            let running = RunningEngine(model: model) {
                $0.contextLength = 8192
                $0.maximumStall = .milliseconds(20)
            }
            _ = await running.log.settled()
            let handle = running.submit(prompt) {
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.maximumTokens = 150
            }
            if disturbed {
                for round in 0..<6 {
                    await running.log.tokens(10 + round * 20, of: handle)
                    let tokens = (0..<3000).map { Int32(20 + ($0 * 11 + round) % 300) }
                    let victim = running.submit(Prompt(pieces: [.tokens(tokens)], addsBeginning: false)) {
                        $0.parameters.maximumTokens = 5
                    }
                    await running.log.started(victim)
                    running.engine.cancel(victim)
                    _ = await running.log.completion(victim)
                }
            }
            let completion = await running.log.completion(handle)
            running.engine.shutdown()
            return completion.tokens
        }
        let (calm, disturbed) = await (run(disturbed: false), run(disturbed: true))
        #expect(calm.count == 150)
        #expect(calm == disturbed)
    }

    @Test func unknownHandlesAreIgnored() async {
        let running = RunningEngine()
        running.engine.cancel(GenerationHandle(rawValue: 999))
        let completion = await running.completion(RunningEngine.chat("Hello!"))
        #expect(completion.summary?.reason == .endOfGeneration)
        running.engine.cancel(GenerationHandle(rawValue: 1))
        running.engine.shutdown()
        #expect(running.log.events(of: GenerationHandle(rawValue: 999)).isEmpty)
    }
}
