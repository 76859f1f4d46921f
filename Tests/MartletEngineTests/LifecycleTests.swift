import Foundation
import MartletEngine
import MartletProtocol
import Testing

@Suite struct LifecycleTests {
    @Test func loadingIsReportedByStageUntilReady() async {
        let running = RunningEngine()
        guard case .ready(let information) = await running.log.settled() else {
            Issue.record("not ready: \(running.log.states)")
            return
        }
        running.engine.shutdown()
        #expect(information.vocabularySize == 2048)
        // Each of the four slots of a small model has its own KV cache.
        #expect(information.sequenceContextLength == 4096)
        #expect(information.contextLength == 4 * 4096)
        #expect(information.sequenceCount == 4)
        #expect(information.fileType == "Q8_0")
        #expect(information.chatTemplate?.contains("<|im_start|>") == true)
        #expect(information.endToken == "<|im_end|>")
        let stages = running.log.states.compactMap { state in
            if case .loading(let progress) = state { progress.stage.rawValue } else { nil }
        }
        #expect(stages == stages.sorted())
        #expect(Set(stages) == [1, 2])
    }

    @Test func missingModelFailsInOneSentence() async {
        let running = RunningEngine(model: "/nowhere/no.gguf")
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("did not fail")
            return
        }
        #expect(error.code == .loadFailed)
        #expect(error.message == "The model file /nowhere/no.gguf is not there.")
        let completion = await running.completion(RunningEngine.chat("Hello!"))
        #expect(completion.error == error)
        await #expect(throws: error) { try await running.engine.tokenize(RunningEngine.chat("Hello!")) }
        running.engine.shutdown()
    }

    @Test func otherFilesAreRefusedAsModels() async {
        let running = RunningEngine(model: #filePath)
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("did not fail")
            return
        }
        running.engine.shutdown()
        #expect(error.message == "The model file \(#filePath) is not a GGUF file.")
    }

    @Test func truncatedModelFailsWithACause() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).gguf")
        try Data(contentsOf: URL(filePath: TestModels.fledgling)).prefix(1_000_000).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        let running = RunningEngine(model: path.path)
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("did not fail")
            return
        }
        running.engine.shutdown()
        #expect(error.message.hasPrefix("The model file \(path.path) is cut off: it has 1000000 bytes and would need"))
    }

    @Test func contextThatCannotFitIsRefusedWithSizes() async {
        let running = RunningEngine { $0.contextLength = 2_000_000_000 }
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("did not fail")
            return
        }
        running.engine.shutdown()
        #expect(error.message.contains("MiB are free: choose a smaller context"), "\(error.message)")
    }

    @Test func requestsWaitForTheModelAndAreCompleted() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Hello!"))
        running.engine.shutdown()
        #expect(completion.summary?.reason == .endOfGeneration)
    }

    @Test func shutdownEndsEveryGenerationOnce() async {
        let running = RunningEngine {
            $0.sequenceCount = 2
            $0.contextLength = RunningEngine.endless
        }
        let handles = (0..<6).map { _ in running.submitEndless() }
        await running.log.tokens(5, of: handles[0])
        running.engine.shutdown()
        for handle in handles {
            let events = running.log.events(of: handle)
            #expect(events.count(where: \.isTerminal) == 1)
            #expect(running.log.completionSoFar(handle).error?.code == .shuttingDown)
        }
    }

    @Test func requestsAfterShutdownFailAtOnce() async {
        let running = RunningEngine()
        running.engine.shutdown()
        let completion = await running.completion(RunningEngine.chat("Hello!"))
        #expect(completion.error?.code == .shuttingDown)
    }

    @Test func shutdownWhileLoadingEndsWaitingRequests() async {
        let running = RunningEngine()
        let handle = running.submit(RunningEngine.chat("Hello!"))
        running.engine.shutdown()
        #expect(running.log.completionSoFar(handle).isEnded)
    }

    @Test func fullQueueRefuses() async {
        let running = RunningEngine {
            $0.sequenceCount = 1
            $0.queueLimit = 2
            $0.contextLength = RunningEngine.endless
        }
        _ = await running.log.settled()
        let busy = running.submitEndless()
        await running.log.tokens(1, of: busy)
        let others = (0..<4).map { _ in running.submit(RunningEngine.chat("Hello!")) }
        #expect(await running.log.completion(others[3]).error?.code == .overloaded)
        running.engine.cancel(busy)
        #expect(await running.log.completion(others[0]).summary?.reason == .endOfGeneration)
        #expect(await running.log.completion(others[1]).summary?.reason == .endOfGeneration)
        running.engine.shutdown()
    }

    @Test func tokensRoundTrip() async throws {
        let running = RunningEngine()
        let text = "Grüße, 世界! 🦊 <|im_end|>"
        let pieces = try await running.engine.tokenize(
            Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false))
        let bytes = try await running.engine.detokenize(pieces.map(\.id))
        #expect(String(decoding: bytes, as: UTF8.self) == text)
        #expect(pieces.flatMap(\.bytes) == bytes)
        await #expect(throws: EngineError.self) { try await running.engine.detokenize([1, 2048]) }
        running.engine.shutdown()
    }

    @Test func statusCountsTokensAndDecodes() async throws {
        let running = RunningEngine()
        let first = await running.completion(RunningEngine.chat("Count from 1 to 5."))
        let second = await running.completion(RunningEngine.chat("Count from 1 to 5."))
        // The terminal event is emitted before the end of the step that counts it; the shutdown waits for that step.
        running.engine.shutdown()
        let counters = try await running.engine.status().counters
        #expect(counters.promptTokens + counters.cachedTokens == UInt64(first.promptTokens + second.promptTokens))
        #expect(counters.predictedTokens == UInt64(first.tokens.count + second.tokens.count))
        #expect(counters.longestContext == first.promptTokens + first.tokens.count)
        #expect(counters.decodes >= counters.predictedTokens)
    }
}
