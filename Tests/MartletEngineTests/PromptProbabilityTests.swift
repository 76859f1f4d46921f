import Foundation
import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// The logprobs of a prompt's own tokens.
@Suite struct PromptProbabilityTests {
    /// More than two aligned decodes, with characters of several bytes.
    private static let text =
        "<|im_start|>user\nTell me of Zoë, Øystein and 日本 "
        + String(repeating: "and what they did – all day, ", count: 12) + "please 🦜.<|im_end|>\n<|im_start|>assistant\n"

    private static func prompt(_ text: String) -> Prompt {
        Prompt(pieces: [.text(text, isTrusted: true)], addsBeginning: true)
    }

    private static func requestLogprobs(_ request: inout GenerationRequest) {
        request.parameters.reportsPromptLogprobs = true
        request.parameters.probabilities = ProbabilityRequest(count: 3)
        request.parameters.maximumTokens = 8
    }

    /// The log probabilities behind each token, in decodes of the same sizes as the engine's.
    private func reference(_ tokens: [Int32], _ model: Model) throws -> [[Double]] {
        var options = Context.Options()
        options.contextLength = 1024
        options.outputCount = BatchShape.chunk
        options.flashAttention = .off
        var context = try Context(model: model, options: options)
        var result: [[Double]] = []
        while result.count < tokens.count {
            var batch = Batch(capacity: BatchShape.chunk)
            for position in result.count..<min(result.count + BatchShape.chunk, tokens.count) {
                batch.add(token: tokens[position], position: position, sequence: 0, wantsLogits: true)
            }
            let decoded = context.decode(batch)
            #expect(decoded == .done)
            for index in 0..<batch.count {
                let logits = context.logits(at: index).map { $0.map(Double.init) } ?? []
                let total = log(logits.map { exp($0) }.reduce(0, +))
                result.append(logits.map { $0 - total })
            }
        }
        return result
    }

    @Test func promptLogprobsAreTheModelsOwn() async throws {
        let running = RunningEngine { $0.flashAttention = .off }
        let completion = await running.completion(Self.prompt(Self.text), Self.requestLogprobs)
        let plain = await running.completion(Self.prompt(Self.text)) { $0.parameters.maximumTokens = 8 }
        running.engine.shutdown()
        let (model, vocabulary) = try SamplerChainTests.model()
        let tokens = try PromptTokenizer(vocabulary).tokensToContinue(Self.prompt(Self.text))
        let expected = try reference(tokens, model)
        let reported = completion.promptProbabilities
        #expect(tokens.count > 130)
        #expect(reported.map(\.number) == Array(0..<tokens.count))
        #expect(reported.map { $0.1[0].id } == tokens)
        #expect(String(decoding: reported.flatMap { $0.1[0].bytes }, as: UTF8.self) == Self.text)
        // No token precedes the first.
        #expect(reported[0].1.count == 1 && reported[0].1[0].value == .infinity)
        var bytes: [UInt8] = []
        for (number, token) in reported {
            #expect(token.textOffset == bytes.count { $0 & 0xC0 != 0x80 })
            bytes += token[0].bytes
            guard number > 0 else { continue }
            let logits = expected[number - 1]
            let order = logits.indices.sorted { logits[$0] > logits[$1] }
            #expect((1..<token.count).map { token[$0].id } == order.prefix(3).map { Int32($0) })
            for index in 0..<token.count {
                #expect(abs(Double(token[index].value) - logits[Int(token[index].id)]) < 2e-5)
            }
        }
        // The probabilities of the completion begin where those of the prompt end.
        #expect(completion.probabilities.first?.textOffset == Self.text.unicodeScalars.count)
        #expect(completion.tokens == plain.tokens)
        #expect(plain.promptProbabilities.isEmpty && plain.cachedTokens > 0)
    }

    @Test func eachTokenIsReportedOnceBesideOtherRequests() async throws {
        let running = RunningEngine()
        let alone = await running.completion(Self.prompt(Self.text), Self.requestLogprobs)
        // The KV cache contains the tokens now, but not their logits.
        let handles = (0..<4).map { index in
            running.submit(Self.prompt(Self.text)) { request in
                Self.requestLogprobs(&request)
                if index > 0 { request.sharedPrefillParent = GenerationHandle(rawValue: request.handle.rawValue - 1) }
            }
        }
        let other = running.submit(RunningEngine.chat("Tell me a story."))
        for handle in handles {
            let completion = await running.log.completion(handle)
            #expect(completion.promptProbabilities.map(\.number) == alone.promptProbabilities.map(\.number))
            #expect(completion.promptProbabilities.map(\.1) == alone.promptProbabilities.map(\.1))
            #expect(completion.tokens == alone.tokens)
            #expect(completion.cachedTokens == 0)
        }
        _ = await running.log.completion(other)
        running.engine.shutdown()
    }

    @Test func aPreemptedPromptIsReportedOnce() throws {
        let bench = try ControlBench(sequences: 2)
        let handle = try bench.submit(String(repeating: "and what they did all day, ", count: 20), Self.requestLogprobs)
        var preemptions = 0
        for _ in 0..<100 where !bench.completion(handle).isEnded {
            _ = bench.loop.runStep()
            // Within the prefill, after one chunk was reported.
            let reported = bench.completion(handle).promptProbabilities.count
            guard preemptions < 2, reported > 0, bench.completion(handle).tokens.isEmpty,
                let sequence = bench.loop.core.scheduler.runningSequence(handle)
            else { continue }
            bench.loop.core.preempt(sequence)
            preemptions += 1
        }
        let completion = bench.completion(handle)
        #expect(preemptions == 2)
        #expect(completion.summary != nil)
        #expect(completion.promptProbabilities.map(\.number) == Array(0..<completion.promptTokens))
        #expect(completion.tokens.count == 8)
    }

    @Test func tokensBeforeThePromptAreNotReported() throws {
        let (_, vocabulary) = try SamplerChainTests.model()
        let tokens = try PromptTokenizer(vocabulary).tokensToContinue(Self.prompt("Once upon"))
        let all = PromptLogprobs(of: tokens, from: 0, isText: false, vocabulary: vocabulary)
        var rest = PromptLogprobs(of: tokens, from: 1, isText: false, vocabulary: vocabulary)
        #expect(all.next == 0)
        // The logits behind the first token are needed, although that token is not reported.
        #expect(rest.next == 1)
        #expect(all.characterCount - rest.characterCount == vocabulary.piece(tokens[0]).count)
        let report = TokenReport(vocabularySize: vocabulary.count)
        var logits = [Float](repeating: 0, count: vocabulary.count)
        logits.withUnsafeMutableBufferPointer { report.load($0, count: 0) }
        while let next = rest.next { rest.add(tokens[next], report, vocabulary: vocabulary) }
        let reported = rest.drainReportable()
        #expect(reported?.first == 0)
        #expect(reported?.tokens.map { $0[0].id } == Array(tokens.dropFirst()))
        #expect(reported?.tokens.first?.textOffset == 0)
    }

    @Test func aPromptAloneIsReported() async throws {
        let running = RunningEngine()
        let text = await running.completion(Self.prompt("Once")) { request in
            Self.requestLogprobs(&request)
            request.parameters.maximumTokens = 0
        }
        let token = await running.completion(Prompt(pieces: [.tokens([42])], addsBeginning: false)) { request in
            Self.requestLogprobs(&request)
            request.parameters.maximumTokens = 0
        }
        running.engine.shutdown()
        #expect(String(decoding: text.promptProbabilities.flatMap { $0.1[0].bytes }, as: UTF8.self) == "Once")
        #expect(token.promptProbabilities.map { $0.1[0].id } == [42])
        for completion in [text, token] {
            #expect(completion.tokens.isEmpty)
            #expect(completion.summary?.reason == .tokenLimit)
        }
    }

    @Test func nothingIsReportedAgainBehindAContinuation() async throws {
        let running = RunningEngine()
        let whole = await running.completion(Self.prompt(Self.text), Self.requestLogprobs)
        let rest = await running.completion(Self.prompt(Self.text)) { request in
            Self.requestLogprobs(&request)
            request.continuation = Array(whole.tokens.prefix(3))
        }
        running.engine.shutdown()
        #expect(rest.promptProbabilities.isEmpty)
        #expect(rest.tokens == Array(whole.tokens.dropFirst(3)))
        #expect(rest.probabilities.map(\.textOffset) == whole.probabilities.suffix(rest.tokens.count).map(\.textOffset))
    }
}
