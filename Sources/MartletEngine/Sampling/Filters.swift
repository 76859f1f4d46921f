import MartletPlatform

/// One filter between the whole vocabulary and the tokens that may be sampled.
protocol CandidateFilter: Sendable {
    /// Removes candidates or changes their logits.
    ///
    /// - Parameter index: the index of the token to be sampled among the generated ones.
    func apply(to candidates: Candidates, index: Int)
}

/// Retains the `limit` most likely tokens.
struct TopK: CandidateFilter {
    let limit: Int

    func apply(to candidates: Candidates, index: Int) {
        candidates.truncateToLargest(limit)
    }
}

/// Retains the smallest set of most likely tokens whose probabilities add up to at least `share`.
struct TopP: CandidateFilter {
    let share: Float
    let minimumCount: Int

    func apply(to candidates: Candidates, index: Int) {
        candidates.computeProbabilities()
        // The probabilities refer to the set before the filter. Therefore sorting growing parts changes the cost, not
        // the result.
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

/// Retains tokens that are at least `share` times as likely as the most likely one.
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

/// Retains tokens whose logit is within `deviations` standard deviations of the highest.
///
/// The others remain candidates with a logit of minus infinity, as in libllama: later filters count them.
struct TopNSigma: CandidateFilter {
    let deviations: Float

    func apply(to candidates: Candidates, index: Int) {
        guard candidates.count > 1 else { return }
        let (count, _, variance) = candidates.moments()
        guard count > 0 else { return }
        candidates.mask(below: candidates.maximumLogit - deviations * Float(variance.squareRoot()))
    }
}

/// Retains the tokens whose surprise is nearest to the entropy, until their probabilities add up to more than `share`
/// ("locally typical sampling").
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
        // The sort key replaces the probability, which follows from the logit.
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

/// Excludes the most likely tokens with a certain probability: of the tokens that reach `threshold`, all except the
/// least likely one ("exclude top choices", XTC).
struct TopChoiceExclusion: CandidateFilter {
    /// The probability of the exclusion.
    let share: Float
    let threshold: Float
    let minimumCount: Int
    let seed: UInt64

    func apply(to candidates: Candidates, index: Int) {
        let chance = CounterRNG.uniform(seed: seed, index: index, for: .exclusion)
        guard candidates.count > 1, Float(chance) <= share else { return }
        candidates.computeProbabilities()
        // Few tokens can reach the threshold, unless it is tiny.
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

/// Divides the logits by a temperature. Below 1 likely tokens become likelier; above 1 probabilities become more equal;
/// at 0 or less only the most likely token remains.
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

/// A temperature that rises with the entropy of the probabilities.
struct DynamicTemperature: CandidateFilter {
    let temperature: Float
    /// Half the width of the temperature range; greater than 0.
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
