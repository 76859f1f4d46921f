import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// A failed decode affects at most the generation at fault.
@Suite struct EngineRecoveryTests {
    /// The engine loop without its thread, step by step.
    struct Bench {
        let log = EventLog()
        let mailbox = Mailbox<EngineMessage>()
        let loop: EngineLoop
        let loaded: OpenedModel

        init(usesUnifiedKV: Bool) throws {
            let model = try Model(path: TestModels.fledgling)
            var options = Context.Options()
            options.contextLength = usesUnifiedKV ? 1024 : 4 * 1024
            options.sequenceCount = 4
            options.usesUnifiedKV = usesUnifiedKV
            let decodeGuard = DecodeGuard()
            let context = try Context(model: model, options: options, abortSignal: decodeGuard.signal)
            var information = ModelInformation()
            information.sequenceContextLength = context.sequenceContextLength
            loaded = try OpenedModel(model: model, vocabulary: Vocabulary(model: model), information: information)
            loop = EngineLoop(
                loaded: loaded, context: context, usesUnifiedKV: usesUnifiedKV,
                configuration: EngineConfiguration(modelPath: TestModels.fledgling), mailbox: mailbox, receiver: log,
                decodeGuard: decodeGuard, board: StatusBoard())
        }

        func submit(_ handle: UInt64, _ message: String) throws {
            var request = GenerationRequest(
                handle: GenerationHandle(rawValue: handle), prompt: RunningEngine.chat(message), maximumTokens: 40)
            request.parameters.sampling.temperature = 0
            request.parameters.ignoresEndOfGeneration = true
            mailbox.post(.submit(try loaded.prepare(request, submitted: .now)))
        }

        /// Submits a prompt with a token outside the vocabulary, without validation.
        func submitBroken(_ handle: UInt64) {
            let request = GenerationRequest(
                handle: GenerationHandle(rawValue: handle), prompt: Prompt(pieces: [], addsBeginning: false))
            mailbox.post(
                .submit(
                    PreparedRequest(
                        request: request, tokens: [5, 1_000_000], visibleControlTokens: [],
                        samplingTokens: SamplingTokens(), constraint: nil, submitted: .now)))
        }

        func completion(_ handle: UInt64) -> EventLog.Completion {
            log.completionSoFar(GenerationHandle(rawValue: handle))
        }

        func finish(_ handles: [UInt64]) {
            for _ in 0..<500 where handles.contains(where: { !completion($0).isEnded }) { _ = loop.runStep() }
        }
    }

    func undisturbed() throws -> [[Int32]] {
        let bench = try Bench(usesUnifiedKV: false)
        try bench.submit(1, "Count from 1 to 20.")
        try bench.submit(2, "Tell me a story about a fox.")
        bench.finish([1, 2])
        return [bench.completion(1).tokens, bench.completion(2).tokens]
    }

    @Test(arguments: [true, false])
    func aDamagedKVCacheIsComputedAgain(usesUnifiedKV: Bool) throws {
        let bench = try Bench(usesUnifiedKV: usesUnifiedKV)
        try bench.submit(1, "Count from 1 to 20.")
        try bench.submit(2, "Tell me a story about a fox.")
        for _ in 0..<12 { _ = bench.loop.runStep() }
        #expect(!bench.completion(1).isEnded && bench.completion(1).tokens.count > 3)
        // The KV cache now ends before the next position, which libllama refuses.
        _ = bench.loop.core.kvCache.context.removeTail(
            of: 0, from: bench.loop.core.kvCache.entries[0].count - 2)
        bench.finish([1, 2])
        let completions = [bench.completion(1), bench.completion(2)]
        #expect(completions.allSatisfy { $0.error == nil && $0.tokens.count == 40 })
        if !usesUnifiedKV { #expect(try completions[1].tokens == undisturbed()[1]) }
    }

    @Test(arguments: [true, false])
    func requestThatCannotBeComputedFailsAlone(usesUnifiedKV: Bool) throws {
        let bench = try Bench(usesUnifiedKV: usesUnifiedKV)
        try bench.submit(1, "Count from 1 to 20.")
        for _ in 0..<5 { _ = bench.loop.runStep() }
        bench.submitBroken(3)
        try bench.submit(2, "Tell me a story about a fox.")
        bench.finish([1, 2, 3])
        #expect(bench.completion(3).error?.code == .generationFailed)
        let completions = [bench.completion(1).tokens, bench.completion(2).tokens]
        #expect(completions.allSatisfy { $0.count == 40 })
        if !usesUnifiedKV { #expect(try completions == undisturbed()) }
    }

    @Test func abortedDecodeIsRepeated() throws {
        let bench = try Bench(usesUnifiedKV: false)
        try bench.submit(1, "Count from 1 to 20.")
        try bench.submit(2, "Tell me a story about a fox.")
        for _ in 0..<12 { _ = bench.loop.runStep() }
        let before = bench.completion(1).tokens.count
        bench.loop.decodeGuard.signal.raise()
        _ = bench.loop.runStep()
        #expect(bench.completion(1).tokens.count == before)
        bench.finish([1, 2])
        #expect(try [bench.completion(1).tokens, bench.completion(2).tokens] == undisturbed())
    }
}
