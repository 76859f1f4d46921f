#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One step of the way from all tokens to the few that may be drawn.
protocol CandidateFilter: Sendable {
    func apply(to candidates: Candidates)
}

/// Leaves the `limit` most likely.
struct TopK: CandidateFilter {
    let limit: Int

    func apply(to candidates: Candidates) {
        candidates.keepLargest(limit)
    }
}

/// Leaves the smallest set of most likely tokens whose probabilities add up to at least `share`.
struct TopP: CandidateFilter {
    let share: Float

    func apply(to candidates: Candidates) {
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
            if sum >= share { break }
        }
        candidates.truncateSorted(to: index)
    }
}

/// Leaves those at least `share` times as likely as the most likely one.
struct MinP: CandidateFilter {
    let share: Float

    func apply(to candidates: Candidates) {
        candidates.keep(atLeast: candidates.maximumLogit + logf(share))
    }
}

/// Makes the likely ones likelier below 1, all more equal above.
struct Temperature: CandidateFilter {
    /// More than 0.
    let temperature: Float

    func apply(to candidates: Candidates) {
        candidates.divideLogits(by: temperature)
    }
}
