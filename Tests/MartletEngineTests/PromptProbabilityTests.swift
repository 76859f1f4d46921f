import Foundation
import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// How likely a prompt's own tokens were.
@Suite struct PromptProbabilityTests {
    /// More than two wide decodes, with characters of several bytes.
    private static let text =
        "<|im_start|>user\nTell me of Zoë, Øystein and 日本 "
        + String(repeating: "and what they did – all day, ", count: 12) + "please 🦜.<|im_end|>\n<|im_start|>assistant\n"

    private static func prompt(_ text: String) -> Prompt {
        Prompt(pieces: [.text(text, isTrusted: true)], addsBeginning: true)
    }

    private static func wish(_ request: inout GenerationRequest) {
        request.reportsPromptTokens = true
        request.probabilities = ProbabilityRequest(count: 3)
        request.maximumTokens = 8
    }

    /// The logarithms of all probabilities behind each token, in decodes as wide as the engine's.
    private func reference(_ tokens: [Int32], _ model: Model) throws -> [[Double]] {
        var options = Context.Options()
        options.contextLength = 1024
        options.outputCount = BatchShape.chunk
        var context = try Context(model: model, options: options)
        var result: [[Double]] = []
        while result.count < tokens.count {
            var batch = Batch(capacity: BatchShape.chunk)
            for position in result.count..<min(result.count + BatchShape.chunk, tokens.count) {
                batch.add(token: tokens[position], position: position, sequence: 0, wantsLogits: true)
            }
            let outcome = context.decode(batch)
            #expect(outcome == .done)
            for index in 0..<batch.count {
                let scores = context.logits(at: index).map { $0.map(Double.init) } ?? []
                let total = log(scores.map { exp($0) }.reduce(0, +))
                result.append(scores.map { $0 - total })
            }
        }
        return result
    }

    @Test func theyAreTheModelsOwn() async throws {
        let running = RunningEngine()
        let answer = await running.answer(Self.prompt(Self.text), Self.wish)
        let plain = await running.answer(Self.prompt(Self.text)) { $0.maximumTokens = 8 }
        running.engine.shutdown()
        let (model, vocabulary) = try SamplerChainTests.model()
        let tokens = try PromptTokenizer(vocabulary).tokensToContinue(Self.prompt(Self.text))
        let expected = try reference(tokens, model)
        let told = answer.promptProbabilities
        #expect(tokens.count > 130)
        #expect(told.map(\.number) == Array(0..<tokens.count))
        #expect(told.map { $0.1[0].id } == tokens)
        #expect(String(decoding: told.flatMap { $0.1[0].bytes }, as: UTF8.self) == Self.text)
        // Nothing comes before the first.
        #expect(told[0].1.count == 1 && told[0].1[0].value == .infinity)
        var bytes: [UInt8] = []
        for (number, token) in told {
            #expect(token.textOffset == bytes.count { $0 & 0xC0 != 0x80 })
            bytes += token[0].bytes
            guard number > 0 else { continue }
            let scores = expected[number - 1]
            let order = scores.indices.sorted { scores[$0] > scores[$1] }
            #expect((1..<token.count).map { token[$0].id } == order.prefix(3).map { Int32($0) })
            for index in 0..<token.count {
                #expect(abs(Double(token[index].value) - scores[Int(token[index].id)]) < 2e-5)
            }
        }
        // The answer's own begin where the prompt's end.
        #expect(answer.probabilities.first?.textOffset == Self.text.unicodeScalars.count)
        #expect(answer.tokens == plain.tokens)
        #expect(plain.promptProbabilities.isEmpty && plain.cachedTokens > 0)
    }

    @Test func eachIsToldOnceWhoeverElseIsThere() async throws {
        let running = RunningEngine()
        let alone = await running.answer(Self.prompt(Self.text), Self.wish)
        // What is in memory now tells nothing of its scores.
        let handles = (0..<4).map { index in
            running.submit(Self.prompt(Self.text)) { request in
                Self.wish(&request)
                if index > 0 { request.promptLeader = GenerationHandle(rawValue: request.handle.rawValue - 1) }
            }
        }
        let other = running.submit(RunningEngine.chat("Tell me a story."))
        for handle in handles {
            let answer = await running.log.answer(handle)
            #expect(answer.promptProbabilities.map(\.number) == alone.promptProbabilities.map(\.number))
            #expect(answer.promptProbabilities.map(\.1) == alone.promptProbabilities.map(\.1))
            #expect(answer.tokens == alone.tokens)
            #expect(answer.cachedTokens == 0)
        }
        _ = await running.log.answer(other)
        running.engine.shutdown()
    }

    @Test func aPromptThatLostItsPlaceIsToldOnce() throws {
        let bench = try ControlBench(sequences: 2)
        let handle = try bench.submit(String(repeating: "and what they did all day, ", count: 20), Self.wish)
        var preemptions = 0
        for _ in 0..<100 where !bench.answer(handle).isEnded {
            _ = bench.loop.takeTurn()
            // In the middle of the prompt, with a chunk of it told.
            let told = bench.answer(handle).promptProbabilities.count
            guard preemptions < 2, told > 0, bench.answer(handle).tokens.isEmpty,
                let index = bench.loop.slots.firstIndex(where: { $0.generation?.handle == handle })
            else { continue }
            bench.loop.preempt(index)
            preemptions += 1
        }
        let answer = bench.answer(handle)
        #expect(preemptions == 2)
        #expect(answer.completion != nil)
        #expect(answer.promptProbabilities.map(\.number) == Array(0..<answer.promptTokens))
        #expect(answer.tokens.count == 8)
    }

    @Test func whatTheEnginePutBeforeAPromptIsNotTold() throws {
        let (_, vocabulary) = try SamplerChainTests.model()
        let tokens = try PromptTokenizer(vocabulary).tokensToContinue(Self.prompt("Once upon"))
        let all = PromptReport(of: tokens, from: 0, isText: false, vocabulary: vocabulary)
        var rest = PromptReport(of: tokens, from: 1, isText: false, vocabulary: vocabulary)
        #expect(all.next == 0)
        // The scores behind the first token are needed, and that is not told.
        #expect(rest.next == 1)
        #expect(all.characterCount - rest.characterCount == vocabulary.piece(tokens[0]).count)
        let report = TokenReport(vocabularySize: vocabulary.count)
        var scores = [Float](repeating: 0, count: vocabulary.count)
        scores.withUnsafeMutableBufferPointer { report.keep($0, count: 0) }
        while let next = rest.next { rest.add(tokens[next], report, vocabulary: vocabulary) }
        let told = rest.take()
        #expect(told?.first == 0)
        #expect(told?.tokens.map { $0[0].id } == Array(tokens.dropFirst()))
        #expect(told?.tokens.first?.textOffset == 0)
    }

    @Test func aPromptAloneIsTold() async throws {
        let running = RunningEngine()
        let text = await running.answer(Self.prompt("Once")) { request in
            Self.wish(&request)
            request.maximumTokens = 0
        }
        let token = await running.answer(Prompt(pieces: [.tokens([42])], addsBeginning: false)) { request in
            Self.wish(&request)
            request.maximumTokens = 0
        }
        running.engine.shutdown()
        #expect(String(decoding: text.promptProbabilities.flatMap { $0.1[0].bytes }, as: UTF8.self) == "Once")
        #expect(token.promptProbabilities.map { $0.1[0].id } == [42])
        for answer in [text, token] {
            #expect(answer.tokens.isEmpty)
            #expect(answer.completion?.reason == .tokenLimit)
        }
    }

    @Test func nothingIsToldAgainBehindWhatWasWritten() async throws {
        let running = RunningEngine()
        let whole = await running.answer(Self.prompt(Self.text), Self.wish)
        let rest = await running.answer(Self.prompt(Self.text)) { request in
            Self.wish(&request)
            request.continuation = Array(whole.tokens.prefix(3))
        }
        running.engine.shutdown()
        #expect(rest.promptProbabilities.isEmpty)
        #expect(rest.tokens == Array(whole.tokens.dropFirst(3)))
        #expect(rest.probabilities.map(\.textOffset) == whole.probabilities.suffix(rest.tokens.count).map(\.textOffset))
    }
}
