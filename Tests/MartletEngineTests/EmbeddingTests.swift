import Llama
import MartletEngine
import MartletProtocol
import Testing

@Suite struct EmbeddingTests {
    private func inputs(_ texts: [String]) -> [Prompt] {
        texts.map { Prompt(pieces: [.text($0, isTrusted: true)], addsBeginning: true) }
    }

    private func distance(_ first: Embedding, _ second: Embedding) -> Float {
        zip(first.values, second.values).map { abs($0 - $1) }.max() ?? .infinity
    }

    @Test func eachInputHasTheSameVectorWhateverTheOtherInputs() async throws {
        let running = RunningEngine { $0.embeddings = .mean }
        defer { running.engine.shutdown() }
        let texts = (0..<12).map { String(repeating: "word \($0) ", count: $0 % 7 + 1) }
        let together = try await running.engine.embed(inputs(texts))
        #expect(together.count == texts.count)
        for (index, text) in texts.enumerated() {
            let alone = try await running.engine.embed(inputs([text]))
            #expect(alone[0].tokenCount == together[index].tokenCount)
            #expect(distance(alone[0], together[index]) < 1e-4)
        }
        #expect(distance(together[0], together[1]) > 1e-3)
        guard case .ready(let information) = running.engine.state else { return }
        #expect(information.embeddingPooling == .mean)
        #expect(together.allSatisfy { $0.vectors.count == 1 && $0.length == information.embeddingLength })
    }

    @Test func withoutPoolingEachTokenHasAVector() async throws {
        let running = RunningEngine { $0.embeddings = Pooling.none }
        defer { running.engine.shutdown() }
        let embeddings = try await running.engine.embed(inputs(["one two three", "four"]))
        for embedding in embeddings { #expect(embedding.vectors.count == embedding.tokenCount) }
    }

    @Test func aLongInputIsComputedInPartsWhereOnlyTheLastTokenCounts() async throws {
        let long = inputs([String(repeating: "long ", count: 300)])
        let whole = RunningEngine {
            $0.embeddings = .last
            $0.microBatchSize = 1_024
        }
        defer { whole.engine.shutdown() }
        let inParts = RunningEngine {
            $0.embeddings = .last
            $0.microBatchSize = 64
        }
        defer { inParts.engine.shutdown() }
        let (first, second) = (try await whole.engine.embed(long), try await inParts.engine.embed(long))
        #expect(first[0].tokenCount > 128)
        #expect(distance(first[0], second[0]) < 0.05)
        #expect(first[0].values.map(abs).max() ?? 0 > 0.1)
    }

    @Test func anInputThatDoesNotFitIsRefused() async throws {
        let running = RunningEngine {
            $0.embeddings = .mean
            $0.microBatchSize = 64
        }
        defer { running.engine.shutdown() }
        let long = inputs(["short", String(repeating: "long ", count: 100)])
        let error = await #expect(throws: EngineError.self) { try await running.engine.embed(long) }
        #expect(error?.code == .contextExceeded)
        #expect(error?.contextSize == 64)
        let off = RunningEngine()
        defer { off.engine.shutdown() }
        await #expect(throws: EngineError.self) { try await off.engine.embed(long) }
    }

    @Test func outputIsTheSameWhileEmbeddingsAreMade() async throws {
        let running = RunningEngine { $0.embeddings = .mean }
        defer { running.engine.shutdown() }
        let alone = await running.completion(RunningEngine.chat("Count to nine.")) {
            $0.parameters.reusesPrompt = false
        }
        let texts = (0..<40).map { "Text number \($0) of many." }
        async let embeddings = running.engine.embed(inputs(texts))
        let beside = await running.completion(RunningEngine.chat("Count to nine.")) {
            $0.parameters.reusesPrompt = false
        }
        #expect(try await embeddings.count == texts.count)
        #expect(beside.tokens == alone.tokens)
    }

    @Test func shutdownFailsWaitingQueries() async throws {
        let running = RunningEngine { $0.embeddings = .mean }
        _ = await running.log.settled()
        let texts = inputs((0..<2_000).map { "Text \($0)" })
        let task = Task { try await running.engine.embed(texts) }
        await Task.yield()
        running.engine.shutdown()
        // Either the query arrived before the shutdown and failed with it, or it was complete.
        let result = await task.result
        if case .failure(let error) = result { #expect((error as? EngineError)?.code == .shuttingDown) }
        await #expect(throws: EngineError.self) { try await running.engine.embed(texts) }
    }
}
