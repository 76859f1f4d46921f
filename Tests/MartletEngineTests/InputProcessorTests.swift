import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Texts are tokenized in bounded steps that alternate, and a cancelled query takes no further step.
@Suite(.timeLimit(.minutes(15))) struct InputProcessorTests {
    private static func text(_ byteCount: Int) -> Prompt {
        let line = "Once upon a time there was a small bird that sang every morning.\n"
        return Prompt(
            pieces: [.text(String(repeating: line, count: byteCount / line.utf8.count), isTrusted: false)],
            addsBeginning: false)
    }

    private static let vocabulary: Vocabulary? = {
        var options = Model.Options()
        options.vocabularyOnly = true
        return try? Vocabulary(model: Model(path: TestModels.fledgling, options: options))
    }()

    @Test func aPromptsStepsAreBoundedAndYieldItsTokens() throws {
        let vocabulary = try #require(Self.vocabulary)
        let prompt = Prompt(
            pieces: [
                .tokens([1, 2]), .text("<|im_start|>", isTrusted: true),
                .text(String(repeating: "a bird ", count: 50_000), isTrusted: false),
                .tokens([3]), .text(String(repeating: "x", count: 600_000), isTrusted: false),
            ], addsBeginning: true)
        var tokenization = PromptTokenization(prompt, vocabulary)
        var steps: [Int] = []
        while !tokenization.isFinished { steps.append(try tokenization.step()) }
        #expect(steps.allSatisfy { $0 <= Vocabulary.StepLimits.standard.most })
        #expect(steps.count > 20)
        #expect(try tokenization.tokens == PromptTokenizer(vocabulary).tokens(of: prompt))
    }

    @Test func aCancelledQueryTakesNoFurtherStep() async throws {
        let running = RunningEngine()
        defer { running.engine.shutdown() }
        _ = await running.log.settled()
        let before = running.engine.activities[1].steps
        let question = Task { try await running.engine.tokenize(Self.text(4 << 20)) }
        question.cancel()
        await #expect(throws: EngineError.self) { try await question.value }
        // This query is complete before the other one would be, so the other one was skipped.
        #expect(try await running.engine.tokenize(Self.text(1 << 10)).isEmpty == false)
        // The whole text would need 256 steps.
        #expect(running.engine.activities[1].steps - before < 40)
    }

    @Test func aShortTextIsTokenizedBeforeALongOneThatCameFirst() async throws {
        let running = RunningEngine()
        defer { running.engine.shutdown() }
        let ends = Locked<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await running.engine.tokenize(Self.text(2 << 20))
                ends.withLock { $0.append("long") }
            }
            // The long text is being tokenized.
            _ = await running.log.settled()
            while running.engine.activities[1].kind != .tokenizing { await Task.yield() }
            let completion = await running.completion(RunningEngine.chat("Hello!")) { $0.parameters.maximumTokens = 1 }
            #expect(completion.summary != nil)
            ends.withLock { $0.append("short") }
            try await group.waitForAll()
        }
        #expect(ends.withLock { $0 } == ["short", "long"])
    }

    @Test func textsAndTokensHaveABudget() async throws {
        let running = RunningEngine()
        defer { running.engine.shutdown() }
        let tooLong = await #expect(throws: EngineError.self) { try await running.engine.tokenize(Self.text(9 << 20)) }
        #expect(tooLong?.code == .invalidRequest)
        #expect(tooLong?.parameter == "content")
        // One token per byte.
        let odd = Prompt(
            pieces: [.text(String(repeating: "\u{1}\u{2}", count: 600_000), isTrusted: false)], addsBeginning: false)
        let tooMany = await #expect(throws: EngineError.self) { try await running.engine.tokenize(odd) }
        #expect(tooMany?.message.contains("1048576 tokens are allowed together") == true)
        let long = [Int32](repeating: 1, count: 1 << 20 + 1)
        await #expect(throws: EngineError.self) { try await running.engine.detokenize(long) }
    }

    @Test func aPromptThatIsTooLongIsCountedUpToALimit() async throws {
        let running = RunningEngine { $0.contextLength = 512 }
        defer { running.engine.shutdown() }
        let some = await running.completion(Self.text(3_000))
        #expect(some.error?.code == .contextExceeded)
        #expect(some.error?.message.contains("request (at least") == false)
        let before = running.engine.activities[1].steps
        let many = await running.completion(
            Prompt(
                pieces: [.text(String(repeating: "1 2 3 4 5 6 7 8 9 ", count: 100_000), isTrusted: false)],
                addsBeginning: false))
        #expect(many.error?.code == .contextExceeded)
        #expect(many.error?.message.contains("request (at least") == true)
        #expect(running.engine.activities[1].steps - before < 60)
    }
}

extension OpenedModel {
    /// Prepares a request with the tokens of its prompt.
    func prepare(_ request: GenerationRequest, submitted: MonotonicTime) throws(EngineError) -> PreparedRequest {
        try prepare(request, tokens: try tokenizer.tokensToContinue(request.prompt), submitted: submitted)
    }
}
