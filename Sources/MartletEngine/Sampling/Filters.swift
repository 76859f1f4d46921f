import MartletPlatform

/// One step of the way from all tokens to the few that may be sampled.
protocol CandidateFilter: Sendable {
    /// - Parameter index: of the token to be sampled, among the generated ones.
    func apply(to candidates: Candidates, index: Int)
}

/// Leaves the `limit` most likely.
struct TopK: CandidateFilter {
    let limit: Int

    func apply(to candidates: Candidates, index: Int) {
        candidates.truncateToLargest(limit)
    }
}

/// Leaves the smallest set of most likely tokens whose probabilities add up to at least `share`.
struct TopP: CandidateFilter {
    let share: Float
    let minimumCount: Int

    func apply(to candidates: Candidates, index: Int) {
        candidates.computeProbabilities()
        // Probabilities are those of the set before; so sorting in growing parts changes nothing but the cost.
        var sorted = min(256, candidates.count)
        candidates.sortLargest(sorted)
        var sum: Float = 0
        var index = 0
        while index < candidates.count {
            if index == sorted {
                sorted = min(sorted * 4, candidates.count)
                candidates.sortLargest(sorted)
            }
            sum += candidates[index].probability
            index += 1
            if sum >= share, index >= minimumCount { break }
        }
        candidates.truncateSorted(to: index)
    }
}

/// Leaves those at least `share` times as likely as the most likely one.
struct MinP: CandidateFilter {
    let share: Float
    let minimumCount: Int

    func apply(to candidates: Candidates, index: Int) {
        let threshold = candidates.maximumLogit + logf(share)
        if minimumCount > 1, candidates.countAtLeast(threshold) < minimumCount {
            candidates.truncateToLargest(minimumCount)
        } else {
            candidates.filter(atLeast: threshold)
        }
    }
}

/// Leaves those whose logit is within `deviations` standard deviations of the highest.
///
/// The others stay candidates that are never sampled, as at libllama: the steps behind it count them.
struct TopNSigma: CandidateFilter {
    let deviations: Float

    func apply(to candidates: Candidates, index: Int) {
        guard candidates.count > 1 else { return }
        let (count, _, variance) = candidates.moments()
        guard count > 0 else { return }
        candidates.mask(below: candidates.maximumLogit - deviations * Float(variance.squareRoot()))
    }
}

/// Leaves the smallest set of tokens whose surprise is nearest to the expected one, and whose probabilities add up to
/// more than `share` ("locally typical").
struct Typical: CandidateFilter {
    let share: Float
    let minimumCount: Int

    func apply(to candidates: Candidates, index: Int) {
        candidates.materialize()
        guard candidates.count > 0 else { return }
        let total = candidates.logSumExp()
        var entropy: Float = 0
        for index in 0..<candidates.count {
            let surprise = total - candidates[index].logit
            if surprise < .infinity { entropy += expf(-surprise) * surprise }
        }
        // The filter's order takes the place of the probability, which is known from the logit.
        for index in 0..<candidates.count {
            candidates[index].probability = -abs(total - candidates[index].logit - entropy)
        }
        var sorted = min(256, candidates.count)
        candidates.sortLargestProbabilities(sorted)
        var sum: Float = 0
        var kept = 0
        while kept < candidates.count {
            if kept == sorted {
                sorted = min(sorted * 4, candidates.count)
                candidates.sortLargestProbabilities(sorted)
            }
            sum += expf(candidates[kept].logit - total)
            kept += 1
            if sum > share, kept >= minimumCount { break }
        }
        candidates.truncate(to: kept)
    }
}

/// Now and then leaves out the most likely tokens, of all that reach `threshold` all but the least likely ("exclude top
/// choices").
struct TopChoiceExclusion: CandidateFilter {
    /// How often.
    let share: Float
    let threshold: Float
    let minimumCount: Int
    let seed: UInt64

    func apply(to candidates: Candidates, index: Int) {
        let chance = CounterRNG.uniform(seed: seed, index: index, for: .exclusion)
        guard candidates.count > 1, Float(chance) <= share else { return }
        candidates.computeProbabilities()
        // Few can reach the threshold, unless it is tiny.
        var sorted = min(64, candidates.count)
        candidates.sortLargest(sorted)
        var reaching = 0
        while reaching < candidates.count {
            if reaching == sorted {
                sorted = min(sorted * 4, candidates.count)
                candidates.sortLargest(sorted)
            }
            guard candidates[reaching].probability >= threshold else { break }
            reaching += 1
        }
        let excluded = reaching - 1
        if excluded > 0, candidates.count - excluded >= minimumCount { candidates.dropFirst(excluded) }
    }
}

/// Makes the likely ones likelier below 1, all more equal above; 0 and less leaves the most likely alone.
struct Temperature: CandidateFilter {
    let temperature: Float

    func apply(to candidates: Candidates, index: Int) {
        guard temperature > 0 else {
            candidates.maskAllButLargest()
            return
        }
        let largest = candidates.maximumLogit
        if abs(largest / temperature) < .infinity {
            candidates.divideLogits(by: temperature)
        } else {
            candidates.divideLogits(by: temperature, less: largest)
        }
    }
}

/// A temperature that grows with the uncertainty of the model, measured by the entropy.
struct DynamicTemperature: CandidateFilter {
    let temperature: Float
    /// More than 0.
    let range: Float
    let exponent: Float

    func apply(to candidates: Candidates, index: Int) {
        guard candidates.count > 1 else { return }
        candidates.computeProbabilities()
        var entropy: Float = 0
        for index in 0..<candidates.count {
            let probability = candidates[index].probability
            if probability > 0 { entropy -= probability * logf(probability) }
        }
        let certainty = powf(entropy / logf(Float(candidates.count)), exponent)
        let low = max(0, temperature - range)
        Temperature(temperature: low + (temperature + range - low) * certainty).apply(to: candidates, index: index)
    }
}
