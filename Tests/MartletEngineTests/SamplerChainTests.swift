import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Every sampler equals that of libllama on the same logits, by itself and in combinations.
@Suite struct SamplerChainTests {
    static func model() throws -> (model: Model, vocabulary: Vocabulary) {
        let model = try Model(path: TestModels.fledgling)
        return (model, try Vocabulary(model: model))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var vocabulary = 2048
        var change: @Sendable (inout SamplingParameters) -> Void
        var reference: [SamplerChain.Stage]
        /// Whether no stage before the sample sorts the tokens.
        var isInTokenOrder: Bool

        init(
            _ name: String, vocabulary: Int = 2048, isInTokenOrder: Bool = false, _ reference: [SamplerChain.Stage],
            _ change: @escaping @Sendable (inout SamplingParameters) -> Void
        ) {
            testDescription = name
            self.vocabulary = vocabulary
            self.change = change
            self.reference = reference
            self.isInTokenOrder = isInTokenOrder
        }
    }

    static let cases: [Case] = [
        Case("top-n-sigma", isInTokenOrder: true, [.topNSigma(2)]) {
            $0.samplers = [.topNSigma]; $0.topNSigma = 2
        },
        Case("top-n-sigma of few", [.topK(50), .topNSigma(1)]) {
            $0.samplers = [.topK, .topNSigma]
            $0.topK = 50
            $0.topNSigma = 1
        },
        Case("top-n-sigma off", isInTokenOrder: true, [.topNSigma(-1)]) { $0.samplers = [.topNSigma] },
        Case("typical", [.typical(0.5, minKeep: 0)]) {
            $0.samplers = [.typicalP]; $0.typicalP = 0.5
        },
        Case("typical of many", vocabulary: 20_000, [.typical(0.9, minKeep: 0)]) {
            $0.samplers = [.typicalP]
            $0.typicalP = 0.9
        },
        Case("typical, at least 30", [.typical(0.01, minKeep: 30)]) {
            $0.samplers = [.typicalP]
            $0.typicalP = 0.01
            $0.minKeep = 30
        },
        Case("typical, then top-k", [.typical(0.7, minKeep: 0), .topK(7)]) {
            $0.samplers = [.typicalP, .topK]
            $0.typicalP = 0.7
            $0.topK = 7
        },
        Case("top-p, at least 20", [.topP(0.01, minKeep: 20)]) {
            $0.samplers = [.topP]
            $0.topP = 0.01
            $0.minKeep = 20
        },
        Case("min-p, at least 20", [.minP(0.9, minKeep: 20)]) {
            $0.samplers = [.minP]
            $0.minP = 0.9
            $0.minKeep = 20
        },
        Case("min-p, at least 20, of few", [.topK(100), .minP(0.9, minKeep: 20)]) {
            $0.samplers = [.topK, .minP]
            $0.topK = 100
            $0.minP = 0.9
            $0.minKeep = 20
        },
        Case("exclusion", [.xtc(1, threshold: 0.01, minKeep: 0)]) {
            $0.samplers = [.xtc]
            $0.xtcProbability = 1
            $0.xtcThreshold = 0.01
        },
        Case("exclusion of few", [.topK(20), .xtc(1, threshold: 0.05, minKeep: 0), .temperature(0.7)]) {
            $0.samplers = [.topK, .xtc, .temperature]
            $0.topK = 20
            $0.xtcProbability = 1
            $0.xtcThreshold = 0.05
            $0.temperature = 0.7
        },
        Case("exclusion that would leave too few", [.topK(5), .xtc(1, threshold: 0.01, minKeep: 5)]) {
            $0.samplers = [.topK, .xtc]
            $0.topK = 5
            $0.xtcProbability = 1
            $0.xtcThreshold = 0.01
            $0.minKeep = 5
        },
        Case("exclusion without threshold", [.xtc(1, threshold: 0, minKeep: 0)]) {
            $0.samplers = [.xtc]
            $0.xtcProbability = 1
            $0.xtcThreshold = 0
        },
        Case("temperature first", [.temperature(2), .topP(0.5), .minP(0.1)]) {
            $0.samplers = [.temperature, .topP, .minP]
            $0.temperature = 2
            $0.topP = 0.5
            $0.minP = 0.1
        },
        Case("temperature of zero behind exclusion", [.xtc(1, threshold: 0.01, minKeep: 0), .temperature(0)]) {
            $0.samplers = [.xtc, .temperature]
            $0.xtcProbability = 1
            $0.xtcThreshold = 0.01
            $0.temperature = 0
        },
        Case("dynamic temperature", [.topK(60), .temperature(1, range: 0.5, exponent: 2)]) {
            $0.samplers = [.topK, .temperature]
            $0.topK = 60
            $0.temperature = 1
            $0.dynamicTemperatureRange = 0.5
            $0.dynamicTemperatureExponent = 2
        },
        Case("dynamic temperature of all", [.temperature(0.5, range: 0.7)]) {
            $0.samplers = [.temperature]
            $0.temperature = 0.5
            $0.dynamicTemperatureRange = 0.7
        },
        Case(
            "dynamic temperature behind top-n-sigma",
            [.topNSigma(1.5), .topK(40), .temperature(0.8, range: 0.4)]
        ) {
            $0.samplers = [.topNSigma, .topK, .temperature]
            $0.topNSigma = 1.5
            $0.topK = 40
            $0.dynamicTemperatureRange = 0.4
        },
        Case("bias", [.logitBias([(5, 3), (9, -.infinity), (5, 1)]), .topK(20)]) {
            $0.samplers = [.topK]
            $0.topK = 20
            $0.logitBiases = [
                LogitBias(.token(5), bias: 3), LogitBias(.token(9), bias: -.infinity), LogitBias(.token(5), bias: 1),
            ]
        },
        Case("nothing", isInTokenOrder: true, []) { $0.samplers = [] },
        Case("mirostat", [.temperature(0.8), .mirostat(tau: 5, eta: 0.1)]) { $0.mirostat = .first },
        Case("mirostat, narrow", [.temperature(1.5), .mirostat(tau: 1, eta: 0.3)]) {
            $0.mirostat = .first
            $0.mirostatTau = 1
            $0.mirostatEta = 0.3
            $0.temperature = 1.5
        },
        Case("mirostat 2", [.temperature(0.8), .mirostat2(tau: 5, eta: 0.1)]) { $0.mirostat = .second },
        Case("mirostat 2, narrow", [.temperature(0.8), .mirostat2(tau: 1, eta: 0.5)]) {
            $0.mirostat = .second
            $0.mirostatTau = 1
            $0.mirostatEta = 0.5
        },
        Case("adaptive-p", [.topK(30), .adaptiveP(target: 0.3, decay: 0.8)]) {
            $0.samplers = [.adaptiveP, .topK]
            $0.topK = 30
            $0.adaptiveTarget = 0.3
            $0.adaptiveDecay = 0.8
        },
        Case("adaptive-p off", [.topK(30), .adaptiveP(target: -1, decay: 0.8)]) {
            $0.samplers = [.topK, .adaptiveP]
            $0.topK = 30
        },
    ]

    /// libllama samples with its own random numbers, so our sampler gets the number that selects the same token.
    /// Afterwards both must have the same state.
    @Test(arguments: cases) func survivorsAndProbabilitiesEqualThoseOfLibllama(_ test: Case) throws {
        var sampling = SamplingParameters()
        test.change(&sampling)
        var stages = test.reference
        switch stages.last {
        case .mirostat, .mirostat2, .adaptiveP: break
        default: stages.append(.sample)
        }
        var reference = try SamplerChain(stages, vocabularySize: test.vocabulary)
        let biases = sampling.logitBiases.map { bias in
            guard case .token(let token) = bias.target else { fatalError() }
            return TokenBias(token: token, bias: bias.bias)
        }
        var sampler = Sampler(sampling, biases: biases, vocabularySize: test.vocabulary)
        let candidates = Candidates(vocabularySize: test.vocabulary)
        for step: UInt64 in 1...12 {
            let logits = SamplerTests.logits(test.vocabulary, seed: step)
            let (token, expected) = reference.step(logits)
            let order = expected.sorted {
                if test.isInTokenOrder { return $0.key < $1.key }
                let (first, second) = (logits[Int($0.key)], logits[Int($1.key)])
                return first != second ? first > second : $0.key < $1.key
            }
            var before = 0.0
            for entry in order {
                if entry.key == token {
                    before += Double(entry.value) / 2
                    break
                }
                before += Double(entry.value)
            }
            var changed = logits
            var ours: [Int32: Float] = [:]
            let sampled = changed.withUnsafeMutableBufferPointer { buffer -> Int32? in
                let sampled = sampler.sample(
                    buffer, history: [], index: Int(step), share: min(before, 0.999_999), with: candidates)
                candidates.computeProbabilities()
                for index in 0..<candidates.count { ours[candidates[index].token] = candidates[index].probability }
                return sampled
            }
            #expect(ours.count == expected.count)
            // Tokens that cannot be sampled may remain on either side.
            ours = ours.filter { $0.value > 0 }
            #expect(Set(ours.keys) == Set(expected.filter { $0.value > 0 }.keys), "step \(step)")
            #expect(sampled == token)
            for (token, probability) in ours {
                #expect(abs(probability - (expected[token] ?? -1)) <= 3e-6 + probability * 2e-3)
            }
        }
    }

    struct DryCase: Sendable {
        var multiplier: Float = 0.8
        var base: Float = 1.75
        var allowedLength = 2
        var lastN = 64
        var breakers = ["\n", ":", "\"", "*"]
        var text = "one two three, one two three, one two three, one two"
    }

    static let dryCases: [DryCase] = [
        DryCase(), DryCase(base: 1), DryCase(base: 3, allowedLength: 0), DryCase(allowedLength: 1, lastN: 5),
        DryCase(lastN: 1000, text: String(repeating: "the cat sat on the mat. ", count: 20)),
        DryCase(text: "say: one two three\nsay: one two"), DryCase(allowedLength: 1, breakers: [" two"]),
        DryCase(allowedLength: 1, breakers: ["ee, one", "t"]), DryCase(breakers: ["a very long text that never comes"]),
        DryCase(allowedLength: 1, breakers: ["\n", "e t", ", o"], text: "one two three, one two three, one"),
        DryCase(multiplier: 5, lastN: 400, text: String(repeating: "a ", count: 200)), DryCase(text: "short"),
        DryCase(allowedLength: 30), DryCase(multiplier: -1),
    ]

    @Test(arguments: dryCases) func repetitionPenaltiesEqualThoseOfLibllama(_ test: DryCase) throws {
        let (_, vocabulary) = try Self.model()
        let history = try PromptTokenizer(vocabulary).tokens(
            of: Prompt(pieces: [.text(test.text, isTrusted: false)], addsBeginning: false))
        let logits = SamplerTests.logits(vocabulary.count, seed: 9)
        var sampling = SamplingParameters()
        sampling.dry.multiplier = test.multiplier
        sampling.dry.base = test.base
        sampling.dry.allowedLength = test.allowedLength
        sampling.dry.lastN = test.lastN
        sampling.dry.sequenceBreakers = test.breakers
        for limit in [0, 200] {
            let stage = SamplerChain.Stage.dry(
                history: history, multiplier: test.multiplier, base: test.base,
                allowedLength: Int32(test.allowedLength), lastN: Int32(test.lastN), breakers: test.breakers,
                vocabulary: vocabulary)
            var reference = try SamplerChain(
                [.topK(Int32(limit)), stage, .sample], vocabularySize: vocabulary.count)
            let expected = reference.candidates(of: logits)
            sampling.topK = limit
            sampling.samplers = [.topK, .dry]
            let breakers = SequenceBreakerCache().breakers(of: test.breakers, in: vocabulary)
            var sampler = Sampler(sampling, breakers: breakers, vocabularySize: vocabulary.count)
            let candidates = Candidates(vocabularySize: vocabulary.count)
            var changed = logits
            var ours: [Int32: Float] = [:]
            changed.withUnsafeMutableBufferPointer { buffer in
                sampler.applyFilters(buffer, history: history, index: 0, with: candidates)
                candidates.computeProbabilities()
                for index in 0..<candidates.count { ours[candidates[index].token] = candidates[index].probability }
            }
            #expect(Set(ours.keys) == Set(expected.keys))
            for (token, probability) in ours {
                #expect(abs(probability - (expected[token] ?? -1)) <= 3e-6 + probability * 1e-3, "token \(token)")
            }
        }
    }

    @Test func exclusionHappensWithTheGivenProbability() {
        var sampling = SamplingParameters()
        sampling.samplers = [.xtc]
        sampling.xtcThreshold = 0.1
        for share: Float in [0, 0.2, 0.5, 1] {
            sampling.xtcProbability = share
            sampling.seed = 11
            var sampler = Sampler(sampling, vocabularySize: 3)
            let candidates = Candidates(vocabularySize: 3)
            var excluded = 0
            for index in 0..<4000 {
                var logits: [Float] = [3, 2.9, 1]
                logits.withUnsafeMutableBufferPointer {
                    sampler.applyFilters($0, history: [], index: index, with: candidates)
                }
                if candidates.count < 3 { excluded += 1 }
            }
            #expect(abs(Double(excluded) - Double(share) * 4000) < 130)
        }
    }

    @Test func theResultDependsOnTheOrderOfStages() {
        var sampling = SamplingParameters()
        sampling.topK = 1
        sampling.xtcProbability = 1
        sampling.xtcThreshold = 0.1
        func sample(_ samplers: [SamplerKind]) -> Int32? {
            sampling.samplers = samplers
            var logits: [Float] = [3, 2.9, -5]
            var sampler = Sampler(sampling, vocabularySize: 3)
            let candidates = Candidates(vocabularySize: 3)
            return logits.withUnsafeMutableBufferPointer {
                sampler.sample($0, history: [], index: 0, with: candidates)
            }
        }
        #expect(sample([.topK, .xtc]) == 0)
        #expect(sample([.xtc, .topK]) == 1)
    }

    static let extremes: [@Sendable (inout SamplingParameters) -> Void] = [
        { $0.temperature = .leastNonzeroMagnitude }, { $0.temperature = 3e38 }, { $0.repeatPenalty = 1.2e-38 },
        { $0.frequencyPenalty = -3e38 }, { $0.presencePenalty = 3e38 }, { $0.dry.multiplier = -3e38 },
        {
            $0.dry.multiplier = 3e38; $0.dry.base = 3e38; $0.dry.allowedLength = 0
        }, { $0.dry.lastN = .max },
        { $0.topNSigma = 3e38 }, { $0.topNSigma = .leastNonzeroMagnitude }, { $0.typicalP = -3e38 },
        { $0.typicalP = 0.9999 },
        { $0.minKeep = .max }, { $0.dynamicTemperatureRange = 3e38 },
        {
            $0.dynamicTemperatureRange = 1; $0.dynamicTemperatureExponent = -3e38
        },
        {
            $0.mirostat = .first; $0.mirostatTau = 3e38; $0.mirostatEta = -3e38
        },
        {
            $0.mirostat = .first; $0.mirostatTau = -3e38
        },
        {
            $0.mirostat = .second; $0.mirostatTau = -3e38
        },
        {
            $0.mirostat = .second; $0.mirostatEta = 3e38
        },
        {
            $0.xtcProbability = 1; $0.xtcThreshold = 0
        },
        {
            $0.samplers = [.adaptiveP]; $0.adaptiveTarget = 1; $0.adaptiveDecay = 0
        },
        {
            $0.samplers = Array(repeating: .temperature, count: 64); $0.temperature = 1e-30
        },
        {
            $0.repeatLastN = .max; $0.repeatPenalty = 3e38
        },
    ]

    @Test(arguments: extremes.indices)
    func everyParameterInItsRangeSamplesAToken(index: Int) {
        var sampling = SamplingParameters()
        Self.extremes[index](&sampling)
        for count in [1, 2, 300] {
            let candidates = Candidates(vocabularySize: count)
            var sampler = Sampler(
                sampling, biases: [TokenBias(token: 0, bias: 3e38), TokenBias(token: 0, bias: 3e38)],
                vocabularySize: count)
            var history: [Int32] = [0, 0, 0, 0]
            for index in 0..<20 {
                var logits = SamplerTests.logits(count, seed: UInt64(index))
                let token = logits.withUnsafeMutableBufferPointer {
                    sampler.sample($0, history: history, index: index, with: candidates)
                }
                #expect(token != nil)
                history.append(token ?? 0)
            }
        }
    }
}
