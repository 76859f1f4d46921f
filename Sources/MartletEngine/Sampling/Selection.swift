import MartletPlatform
import MartletProtocol

/// Mirostat: bounds the surprise of tokens so that sampled tokens have a target surprise on average (Basu et al. 2021).
struct MirostatSelection: Sendable {
    let version: Mirostat
    let target: Float
    let rate: Float
    let vocabularySize: Int
    /// The largest allowed surprise in bits; changes with every token.
    private(set) var limit: Float

    /// The number of most likely tokens from which version 1 estimates how fast probabilities fall.
    private static let sampleCount = 100

    init(version: Mirostat, target: Float, rate: Float, vocabularySize: Int) {
        self.version = version
        self.target = target
        self.rate = rate
        self.vocabularySize = vocabularySize
        limit = 2 * target
    }

    mutating func sample(from candidates: Candidates, _ share: Double) -> Int32? {
        if version == .first {
            limitByRank(candidates)
        } else {
            // A surprise above the limit is a probability below 2^-limit.
            let threshold = candidates.logSumExp() - limit * Float(M_LN2)
            if candidates.maximumLogit >= threshold {
                candidates.filter(atLeast: threshold)
            } else {
                candidates.truncateToLargest(1)
            }
            candidates.sortLargest(candidates.count)
        }
        guard candidates.maximumLogit > -.infinity, candidates.maximumLogit < .infinity else { return nil }
        candidates.computeProbabilities()
        guard let index = candidates.sampleByProbability(share) else { return nil }
        limit -= rate * (-log2f(candidates[index].probability) - target)
        return candidates[index].token
    }

    /// Estimates the exponent of a power law of probabilities over ranks, and retains the ranks within the limit.
    private func limitByRank(_ candidates: Candidates) {
        candidates.materialize()
        let sampled = min(Self.sampleCount, candidates.count)
        candidates.sortLargest(sampled)
        var products: Float = 0
        var squares: Float = 0
        for index in 0..<max(0, sampled - 1) {
            let step = logf(Float(index + 2) / Float(index + 1))
            products += step * (candidates[index].logit - candidates[index + 1].logit)
            squares += step * step
        }
        let exponent = products / squares
        let excess = exponent - 1
        let rank = powf(excess * powf(2, limit) / (1 - powf(Float(vocabularySize), -excess)), 1 / exponent)
        // The rank is not a number with a single candidate; then one candidate remains.
        let kept = rank >= 1 ? Int(min(rank, Float(candidates.count))) : 1
        candidates.sortLargest(kept)
        candidates.truncateSorted(to: min(kept, candidates.count))
    }
}

/// Adaptive-p: prefers tokens with a probability near a target. The target adapts so that sampled tokens meet it on
/// average.
struct AdaptiveSelection: Sendable {
    private let target: Float
    private let decay: Float
    /// The decayed sums of the probabilities of sampled tokens, and of their weights.
    private var weightedSum: Float
    private var totalWeight: Float

    /// The width of the preference; the value of libllama.
    private static let width: Float = 0.3
    private static let peak: Float = 5
    private static let sharpness: Float = 10

    init(target: Float, decay: Float) {
        self.target = target
        self.decay = decay
        weightedSum = target / (1 - decay)
        totalWeight = 1 / (1 - decay)
    }

    mutating func sample(from candidates: Candidates, _ share: Double) -> Int32? {
        guard candidates.maximumLogit > -.infinity, candidates.maximumLogit < .infinity else { return nil }
        // The order of candidates is fixed, whatever filters ran before.
        candidates.materialize()
        candidates.sortLargest(candidates.count)
        candidates.computeProbabilities()
        let aim = min(max(2 * target - weightedSum / totalWeight, 0), 1)
        var total = 0.0
        for index in 0..<candidates.count { total += weight(of: candidates[index], aim: aim) }
        var rest = share * total
        var sampled: Candidates.Candidate?
        for index in 0..<candidates.count {
            let weight = weight(of: candidates[index], aim: aim)
            guard weight > 0 else { continue }
            sampled = candidates[index]
            rest -= weight
            if rest < 0 { break }
        }
        guard let sampled else { return nil }
        weightedSum = sampled.probability + decay * weightedSum
        totalWeight = 1 + decay * totalWeight
        candidates.setLogits { preference(for: $0, aim: aim) }
        return sampled.token
    }

    private func preference(for candidate: Candidates.Candidate, aim: Float) -> Float {
        guard candidate.logit > -.infinity else { return candidate.logit }
        let distance = abs(candidate.probability - aim) / Self.width
        return Self.peak - Self.sharpness * distance * distance / (1 + distance)
    }

    private func weight(of candidate: Candidates.Candidate, aim: Float) -> Double {
        Double(expf(preference(for: candidate, aim: aim) - Self.peak))
    }
}
