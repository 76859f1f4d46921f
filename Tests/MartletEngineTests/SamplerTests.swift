import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

@Suite struct SamplerTests {
    /// Logits as models compute them: a few high ones above a broad floor.
    static func logits(_ count: Int, seed: UInt64) -> [Float] {
        (0..<count).map { token in
            let first = CounterRNG.uniform(seed: seed, index: token)
            let second = CounterRNG.uniform(seed: seed &+ 77, index: token)
            return Float(first * 6 - 3 + (second > 0.99 ? second * 9 : 0))
        }
    }

    struct Case: Sendable {
        var vocabulary = 2048
        var topK = 0
        var topP: Float = 1
        var minP: Float = 0
        var temperature: Float = 1
        var repeatPenalty: Float = 1
        var frequency: Float = 0
        var presence: Float = 0
    }

    static let cases: [Case] = [
        Case(), Case(topK: 40), Case(topK: 1000), Case(topK: 5000), Case(topP: 0.95), Case(topP: 0.3),
        Case(topP: 0.001),
        Case(minP: 0.05), Case(minP: 1), Case(topK: 40, topP: 0.95, minP: 0.05, temperature: 0.8),
        Case(topP: 0.9, minP: 0.01, temperature: 1.7), Case(topK: 100, repeatPenalty: 1.3),
        Case(topK: 20, topP: 0.5, frequency: 0.7, presence: 0.4), Case(vocabulary: 151_936, topK: 40),
        Case(vocabulary: 151_936, topP: 0.999), Case(vocabulary: 151_936, minP: 0.02, temperature: 0.5),
        Case(vocabulary: 17, topK: 5), Case(vocabulary: 5, topP: 0.9),
    ]

    @Test(arguments: cases)
    func survivorsAndProbabilitiesEqualThoseOfLibllama(parameters: Case) throws {
        for seed: UInt64 in 1...3 {
            let logits = Self.logits(parameters.vocabulary, seed: seed)
            let window = (0..<64).map { Int32(($0 * $0 * 13 + Int(seed)) % parameters.vocabulary) }
            var sampling = SamplingParameters()
            sampling.topK = parameters.topK
            sampling.topP = parameters.topP
            sampling.minP = parameters.minP
            sampling.temperature = parameters.temperature
            sampling.repeatPenalty = parameters.repeatPenalty
            sampling.frequencyPenalty = parameters.frequency
            sampling.presencePenalty = parameters.presence

            var reference = try SamplerChain(
                [
                    .penalties(
                        window: window, repeatPenalty: parameters.repeatPenalty, frequency: parameters.frequency,
                        presence: parameters.presence),
                    .topK(Int32(parameters.topK)), .topP(parameters.topP), .minP(parameters.minP),
                    .temperature(parameters.temperature), .sample,
                ], vocabularySize: parameters.vocabulary)
            let expected = reference.candidates(of: logits)

            var ours: [Int32: Float] = [:]
            var changed = logits
            changed.withUnsafeMutableBufferPointer { buffer in
                let candidates = Candidates(vocabularySize: parameters.vocabulary)
                var sampler = Sampler(sampling, vocabularySize: parameters.vocabulary)
                sampler.applyFilters(buffer, history: window, index: 0, with: candidates)
                candidates.computeProbabilities()
                for index in 0..<candidates.count { ours[candidates[index].token] = candidates[index].probability }
            }
            #expect(Set(ours.keys) == Set(expected.keys))
            let sum = ours.values.reduce(0, +)
            #expect(abs(sum - 1) < 1e-3)
            for (token, probability) in ours {
                #expect(abs(probability - (expected[token] ?? -1)) <= 2e-6 + probability * 1e-4)
            }
        }
    }

    func sample(_ logits: [Float], _ sampling: SamplingParameters, history: [Int32] = [], index: Int = 0) -> Int32? {
        var logits = logits
        let candidates = Candidates(vocabularySize: logits.count)
        var sampler = Sampler(sampling, vocabularySize: logits.count)
        return logits.withUnsafeMutableBufferPointer {
            sampler.sample($0, history: history, index: index, with: candidates)
        }
    }

    @Test func greedySelectsTheFirstOfTheMostLikely() {
        var sampling = SamplingParameters()
        sampling.temperature = 0
        for count in [1, 15, 16, 17, 100, 2048] {
            var logits = Self.logits(count, seed: 4)
            let best = logits.max() ?? 0
            let expected = logits.firstIndex(of: best) ?? 0
            #expect(sample(logits, sampling) == Int32(expected))
            logits[count - 1] = 100
            #expect(sample(logits, sampling) == Int32(count - 1))
        }
    }

    @Test func bannedTokensAreNeverSampled() {
        var sampling = SamplingParameters()
        for temperature: Float in [0, 1] {
            sampling.temperature = temperature
            var logits: [Float] = [9, 1, 8, 2]
            let candidates = Candidates(vocabularySize: 4)
            var sampler = Sampler(
                sampling, biases: [0, 2].map { TokenBias(token: $0, bias: -.infinity) }, vocabularySize: 4)
            let token = logits.withUnsafeMutableBufferPointer {
                sampler.sample($0, history: [], index: 0, with: candidates)
            }
            #expect(token == 3 || token == 1)
        }
    }

    @Test func logitsThatAreNoNumbersAreNeverSampled() {
        var sampling = SamplingParameters()
        #expect(sample([.nan, .nan], sampling) == nil)
        #expect(sample([.nan, 1, .nan], sampling) == 1)
        #expect(sample([-.infinity, -.infinity, -.infinity], sampling) == nil)
        sampling.temperature = 0
        #expect(sample([.nan, 1, .nan], sampling) == 1)
        #expect(sample([-.infinity, .nan], sampling) == nil)
    }

    @Test func samplesFollowTheProbabilities() {
        let logits: [Float] = [0, 1, 2, 0.5]
        var sampling = SamplingParameters()
        sampling.topK = 0
        sampling.topP = 1
        sampling.minP = 0
        sampling.temperature = 1
        var counts = [Double](repeating: 0, count: 4)
        let rounds = 20_000
        for index in 0..<rounds { counts[Int(sample(logits, sampling, index: index) ?? 0)] += 1 }
        let weights = [1, 2.718281828, 7.389056099, 1.6487212707]
        let total = weights.reduce(0, +)
        for token in 0..<4 {
            let expected = weights[token] / total * Double(rounds)
            #expect(abs(counts[token] - expected) < 5 * expected.squareRoot())
        }
    }

    @Test func sampleIsAFunctionOfSeedAndIndex() {
        #expect(CounterRNG.uniform(seed: 5, index: 9) == CounterRNG.uniform(seed: 5, index: 9))
        var seen: Set<Double> = []
        for seed: UInt64 in [0, 1, 2, .max] {
            for index in 0..<1000 {
                let value = CounterRNG.uniform(seed: seed, index: index)
                #expect(value >= 0 && value < 1)
                seen.insert(value)
            }
        }
        #expect(seen.count == 4000)
        let mean = seen.reduce(0, +) / 4000
        #expect(abs(mean - 0.5) < 0.03)
    }

    @Test func penaltiesFollowTheWindow() {
        var sampling = SamplingParameters()
        sampling.temperature = 0
        sampling.frequencyPenalty = 1
        sampling.repeatLastN = 2
        #expect(sample([3, 2.5, 0], sampling, history: [0, 1]) == 0)
        #expect(sample([3, 2.5, 0], sampling, history: [1, 0, 0]) == 1)
        // A sampler that follows a growing history equals a new sampler.
        var growing = Sampler(sampling, vocabularySize: 3)
        var history: [Int32] = []
        let candidates = Candidates(vocabularySize: 3)
        for step in 0..<50 {
            history.append(Int32(step * step % 3))
            var logits: [Float] = [1, 1.2, 0.9]
            let token = logits.withUnsafeMutableBufferPointer {
                growing.sample($0, history: history, index: 0, with: candidates)
            }
            #expect(token == sample([1, 1.2, 0.9], sampling, history: history))
        }
    }
}
