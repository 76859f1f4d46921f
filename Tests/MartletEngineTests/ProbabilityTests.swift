import Foundation
import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

@Suite struct ProbabilityTests {
    private static let question = RunningEngine.chat("Count from 1 to 9.")

    private func elements(_ token: TokenProbabilities) -> [TokenProbabilities.Element] {
        (1..<token.count).map { token[$0] }
    }

    private func bytes(_ tokens: [TokenProbabilities]) -> [UInt8] { tokens.flatMap { $0[0].bytes } }

    @Test func listsEqualAFullSoftmaxOverTheModelsLogits() async throws {
        let running = RunningEngine { $0.flashAttention = .off }
        let completion = await running.completion(Self.question) {
            $0.parameters.probabilities = ProbabilityRequest(count: 50)
            // Neither of these may change the reported values.
            $0.parameters.sampling.repeatPenalty = 1.3
            $0.parameters.sampling.logitBiases = [LogitBias(.token(100), bias: 5)]
            $0.parameters.sampling.temperature = 0.7
            $0.parameters.sampling.seed = 5
        }
        running.engine.shutdown()
        #expect(completion.probabilities.count == completion.tokens.count)
        #expect(completion.tokens.count > 8)

        let (model, vocabulary) = try SamplerChainTests.model()
        let prompt = try PromptTokenizer(vocabulary).tokensToContinue(Self.question)
        var options = Context.Options()
        options.contextLength = 1024
        options.flashAttention = .off
        var context = try Context(model: model, options: options)
        var position = 0
        var next = prompt
        for (token, reported) in zip(completion.tokens, completion.probabilities) {
            var batch = Batch(capacity: 512)
            for (index, token) in next.enumerated() {
                _ = batch.add(
                    token: token, position: position + index, sequence: 0, wantsLogits: index + 1 == next.count)
            }
            let decoded = context.decode(batch)
            #expect(decoded == .done)
            let logits = context.logits(at: next.count - 1).map { $0.map(Double.init) } ?? []
            position += next.count
            next = [token]
            let total = log(logits.map { exp($0) }.reduce(0, +))
            let order = logits.indices.sorted { logits[$0] > logits[$1] }
            #expect(reported[0].id == token)
            #expect(abs(Double(reported[0].value) - (logits[Int(token)] - total)) < 2e-5)
            #expect(elements(reported).map(\.id) == order.prefix(50).map { Int32($0) })
            for element in elements(reported) {
                #expect(abs(Double(element.value) - (logits[Int(element.id)] - total)) < 2e-5)
            }
        }
    }

    @Test func greedyTokensAreTheMaxima() async {
        let running = RunningEngine()
        let completion = await running.completion(Self.question) {
            $0.parameters.probabilities = ProbabilityRequest(count: 3)
        }
        let plain = await running.completion(Self.question)
        running.engine.shutdown()
        #expect(plain.tokens == completion.tokens)
        #expect(plain.probabilities.isEmpty)
        #expect(completion.probabilities.count == completion.tokens.count)
        for token in completion.probabilities {
            #expect(token[0] == token[1])
            #expect(token.count == 4)
            #expect(token[1].value >= token[2].value && token[2].value >= token[3].value)
        }
        #expect(String(decoding: bytes(completion.probabilities), as: UTF8.self) == completion.text)
    }

    @Test func probabilitiesAfterSamplingAreThoseOfTheSurvivors() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Tell me a story.")) {
            $0.parameters.probabilities = ProbabilityRequest(count: 100, stage: .afterSampling)
            $0.parameters.sampling.topK = 5
            $0.parameters.sampling.topP = 1
            $0.parameters.sampling.minP = 0
            $0.parameters.sampling.temperature = 1.2
            $0.parameters.sampling.seed = 3
        }
        let greedy = await running.completion(Self.question) {
            $0.parameters.probabilities = ProbabilityRequest(count: 5, stage: .afterSampling)
        }
        running.engine.shutdown()
        #expect(completion.probabilities.count == completion.tokens.count)
        for token in completion.probabilities {
            let all = elements(token)
            #expect(all.count <= 5)
            #expect(abs(all.map(\.value).reduce(0, +) - 1) < 1e-4)
            #expect(all.contains(token[0]))
            #expect(zip(all, all.dropFirst()).allSatisfy { $0.value >= $1.value })
        }
        for token in greedy.probabilities { #expect(token.count == 2 && token[1].value == 1) }
    }

    @Test(arguments: ["7, 8", ", 5", "9 and more", "1"])
    func tokensOfAStopTextAreNeverReported(stop: String) async {
        let running = RunningEngine()
        let completion = await running.completion(Self.question) {
            $0.parameters.stops = [stop]
            $0.parameters.probabilities = ProbabilityRequest(count: 2)
        }
        running.engine.shutdown()
        let reported = bytes(completion.probabilities)
        if completion.summary?.reason == .stopText(stop) {
            #expect(completion.probabilities.count < completion.tokens.count)
            // A token that is partly before the stop string is reported as a whole.
            #expect(reported.starts(with: completion.text.utf8))
            let last = completion.probabilities.last.map { $0[0].bytes.count } ?? 1
            #expect(reported.count - completion.text.utf8.count < last)
        } else {
            #expect(completion.probabilities.count == completion.tokens.count)
            #expect(reported == Array(completion.text.utf8))
        }
    }

    @Test func offsetsCountCharacters() async {
        let running = RunningEngine()
        let completion = await running.completion(RunningEngine.chat("Tell me a story about Zoë.")) {
            $0.parameters.probabilities = ProbabilityRequest(count: 0)
            $0.parameters.maximumTokens = 40
        }
        running.engine.shutdown()
        var before: [UInt8] = []
        for token in completion.probabilities {
            #expect(token.count == 1)
            #expect(token.textOffset == before.count { $0 & 0xC0 != 0x80 })
            before += token[0].bytes
        }
    }

    @Test func seedsReproduceWithOtherTraffic() async {
        let running = RunningEngine()
        let changes: [@Sendable (inout GenerationRequest) -> Void] = [
            { $0.parameters.sampling.xtcProbability = 0.5 }, { $0.parameters.sampling.mirostat = .first },
            { $0.parameters.sampling.mirostat = .second },
            {
                $0.parameters.sampling.samplers.append(.adaptiveP)
                $0.parameters.sampling.adaptiveTarget = 0.4
            },
            { $0.parameters.sampling.dry.multiplier = 1 }, { $0.parameters.sampling.typicalP = 0.8 },
            { $0.parameters.sampling.dynamicTemperatureRange = 0.5 },
        ]
        for change in changes {
            let configure: @Sendable (inout GenerationRequest) -> Void = {
                $0.parameters.sampling.temperature = 1
                $0.parameters.sampling.seed = 99
                $0.parameters.maximumTokens = 40
                $0.parameters.probabilities = ProbabilityRequest(count: 4)
                change(&$0)
            }
            let alone = await running.completion(RunningEngine.chat("Tell me a story."), configure)
            let others = (0..<3).map { index in
                running.submit(RunningEngine.chat("What is \(index) plus 4?")) {
                    $0.parameters.sampling.temperature = 1
                    $0.parameters.probabilities = ProbabilityRequest(count: index, stage: .afterSampling)
                }
            }
            let beside = await running.completion(RunningEngine.chat("Tell me a story."), configure)
            for other in others { _ = await running.log.completion(other) }
            #expect(alone.tokens == beside.tokens)
            #expect(alone.probabilities == beside.probabilities)
            #expect(alone.tokens.count > 5)
        }
        running.engine.shutdown()
    }

    @Test func biasesReachTheTokensOfTexts() async {
        let running = RunningEngine()
        let plain = await running.completion(Self.question)
        let banned = await running.completion(Self.question) {
            $0.parameters.sampling.logitBiases = [
                LogitBias(.text("3"), bias: -.infinity), LogitBias(.token(5), bias: -1),
            ]
        }
        #expect(plain.text.contains("3"))
        #expect(!banned.text.contains("3"))
        for token: Int32 in [-1, 2048, .max] {
            let refused = await running.completion(Self.question) {
                $0.parameters.sampling.logitBiases = [LogitBias(.token(token), bias: 1)]
            }
            #expect(refused.error?.code == .invalidRequest)
            #expect(refused.error?.message.contains("'logit_bias'") == true)
            #expect(refused.error?.message.contains("\(token)") == true)
        }
        let nothing = await running.completion(Self.question) {
            $0.parameters.sampling.logitBiases = (0..<2048).map { LogitBias(.token($0), bias: -.infinity) }
        }
        #expect(nothing.error?.code == .invalidRequest)
        running.engine.shutdown()
    }

    @Test(arguments: [1, 15, 16, 17, 4096, 4111, 151_936])
    func sumOfExponentialsIsExact(count: Int) {
        var logits = SamplerTests.logits(count, seed: 3)
        if count > 4 { (logits[1], logits[2], logits[3]) = (-.infinity, .nan, -1000) }
        let largest = logits.filter { !$0.isNaN }.max() ?? 0
        let expected = logits.filter { !$0.isNaN }.map { exp(Double($0) - Double(largest)) }.reduce(0, +)
        let sum = logits.withUnsafeMutableBufferPointer { LogitScan.sumOfExponentials($0, less: largest) }
        #expect(abs(Double(sum) / expected - 1) < 2e-6)
    }
}
