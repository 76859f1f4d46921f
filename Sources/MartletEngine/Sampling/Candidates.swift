import MartletPlatform

/// The tokens that may still be sampled, with their logits.
///
/// It begins as a reference to the logits of the whole vocabulary; the first filter that removes tokens copies the
/// others to a list. The list is allocated once and reused for every token of every sequence.
///
/// Thread: one at a time.
final class Candidates {
    struct Candidate {
        var token: Int32
        var logit: Float
        /// Written by `computeProbabilities()`; before that, scratch space of a filter.
        var probability: Float
    }

    private let list: UnsafeMutableBufferPointer<Candidate>
    private var logits = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    /// Whether this is still the whole vocabulary, with the logits in `logits`.
    private(set) var isWhole = true
    private(set) var count = 0
    /// Whether the list is sorted by descending logit, with the lower token first among equal logits.
    private(set) var isSorted = false

    init(vocabularySize: Int) {
        list = .allocate(capacity: vocabularySize)
        list.initialize(repeating: Candidate(token: 0, logit: 0, probability: 0))
    }

    deinit {
        list.deallocate()
    }

    /// Begins again with all tokens.
    ///
    /// - Parameter logits: one logit per token of the vocabulary; valid until the token is sampled.
    func reset(_ logits: UnsafeMutableBufferPointer<Float>) {
        precondition(logits.count <= list.count)
        self.logits = logits
        isWhole = true
        isSorted = false
        count = logits.count
    }

    /// The candidate at a position of the list.
    ///
    /// - Precondition: `!isWhole`.
    subscript(index: Int) -> Candidate {
        get { list[index] }
        set { list[index] = newValue }
    }

    /// Copies the candidates to the list in the order of tokens, without logits that are not numbers.
    func materialize() {
        if isWhole { filter(atLeast: -.infinity) }
    }

    /// Changes the logits of some tokens: `change` computes the new logit from the old one and the token's value in
    /// `changes`.
    ///
    /// A result beyond the largest finite number becomes that number, so that only a ban makes a token impossible.
    ///
    /// - Complexity: linear in the changes while this is the whole vocabulary, and in the candidates afterwards.
    @inline(__always)
    func update<Value>(_ changes: [Int32: Value], _ change: (Float, Value) -> Float) {
        if isWhole {
            for (token, value) in changes where token >= 0 && Int(token) < logits.count {
                let logit = logits[Int(token)]
                if logit > -.infinity { logits[Int(token)] = finite(change(logit, value)) }
            }
        } else if !changes.isEmpty {
            for index in 0..<count {
                guard let value = changes[list[index].token] else { continue }
                let logit = list[index].logit
                if logit > -.infinity { list[index].logit = finite(change(logit, value)) }
                isSorted = false
            }
        }
    }

    @inline(__always)
    private func finite(_ logit: Float) -> Float {
        max(min(logit, .greatestFiniteMagnitude), -.greatestFiniteMagnitude)
    }

    /// The logit of a token; `nil` if it is not a candidate.
    func logit(of token: Int32) -> Float? {
        if isWhole { return logits[Int(token)] }
        for index in 0..<count where list[index].token == token { return list[index].logit }
        return nil
    }

    /// Sets logits below `threshold` to minus infinity, so that these tokens are never sampled. They remain candidates.
    func mask(below threshold: Float) {
        if isWhole {
            for token in 0..<count { logits[token] = logits[token] < threshold ? -.infinity : logits[token] }
        } else {
            for index in 0..<count where list[index].logit < threshold { list[index].logit = -.infinity }
        }
    }

    /// Sets all logits except the largest to minus infinity.
    func maskAllButLargest() {
        guard count > 0 else { return }
        if isWhole {
            let best = LogitScan.maximum(logits)
            for token in 0..<count where token != best.token { logits[token] = -.infinity }
        } else {
            var best = 0
            for index in 1..<max(1, count) where LogitRanking.ranksBefore(list[index], list[best]) { best = index }
            for index in 0..<count where index != best { list[index].logit = -.infinity }
        }
    }

    /// Replaces the logit of every candidate by the result of `logit`.
    ///
    /// - Precondition: `!isWhole`.
    func setLogits(_ logit: (Candidate) -> Float) {
        for index in 0..<count { list[index].logit = logit(list[index]) }
        isSorted = false
    }

    /// Number, mean and variance of the logits that are finite.
    func moments() -> (count: Int, mean: Double, variance: Double) {
        var valid = 0
        var sum = 0.0
        forEachLogit { logit in
            valid += 1
            sum += Double(logit)
        }
        guard valid > 0 else { return (0, 0, 0) }
        let mean = sum / Double(valid)
        var squares = 0.0
        forEachLogit { logit in
            let distance = Double(logit) - mean
            squares += distance * distance
        }
        return (valid, mean, squares / Double(valid))
    }

    @inline(__always)
    private func forEachLogit(_ body: (Float) -> Void) {
        if isWhole {
            for token in 0..<count where logits[token] > -.infinity { body(logits[token]) }
        } else {
            for index in 0..<count where list[index].logit > -.infinity { body(list[index].logit) }
        }
    }

    /// The number of candidates whose logit is at least `threshold`.
    func countAtLeast(_ threshold: Float) -> Int {
        var found = 0
        if isWhole {
            for token in 0..<count where logits[token] >= threshold { found &+= 1 }
        } else {
            for index in 0..<count where list[index].logit >= threshold { found &+= 1 }
        }
        return found
    }

    /// The logarithm of the sum of the exponentials of all logits.
    func logSumExp() -> Float {
        let largest = maximumLogit
        guard largest > -.infinity, largest < .infinity else { return largest }
        if isWhole { return largest + logf(LogitScan.sumOfExponentials(logits, less: largest)) }
        var sum: Float = 0
        for index in 0..<count { sum += expf(list[index].logit - largest) }
        return largest + logf(sum)
    }

    /// Sorts the `limit` largest logits to the front; the order of the others is unspecified.
    ///
    /// - Precondition: `!isWhole`.
    func sortLargest(_ limit: Int) {
        guard !isSorted else { return }
        let limit = min(limit, count)
        select(limit, by: LogitRanking.self)
        isSorted = limit == count
    }

    /// Sorts the `limit` largest values of `probability` to the front, with the lower token first among equal values.
    ///
    /// - Precondition: `!isWhole`.
    func sortLargestProbabilities(_ limit: Int) {
        select(min(limit, count), by: ProbabilityRanking.self)
        isSorted = false
    }

    @inline(__always)
    private func select<R: CandidateRanking>(_ limit: Int, by ranking: R.Type) {
        if limit < count {
            CandidateHeap.heapify(list, count: limit, by: ranking)
            for index in limit..<count where R.ranksBefore(list[index], list[0]) {
                CandidateHeap.swapAt(list, index, 0)
                CandidateHeap.siftDown(list, from: 0, count: limit, by: ranking)
            }
        }
        CandidateHeap.sort(list, count: limit, by: ranking)
    }

    /// Retains the first `newCount` candidates of the list, in their present order.
    func truncate(to newCount: Int) { count = newCount }

    /// Removes the first candidates of the list.
    ///
    /// - Precondition: `!isWhole`.
    func dropFirst(_ dropped: Int) {
        for index in dropped..<count { list[index - dropped] = list[index] }
        count -= dropped
    }

    /// Retains the first `newCount` candidates, which `sortLargest` has sorted.
    func truncateSorted(to newCount: Int) {
        count = newCount
        isSorted = true
    }

    /// The largest logit; minus infinity without candidates.
    var maximumLogit: Float {
        if isWhole { return LogitScan.maximum(logits).value }
        if isSorted { return count > 0 ? list[0].logit : -.infinity }
        var best = -Float.infinity
        for index in 0..<count where list[index].logit > best { best = list[index].logit }
        return best
    }

    /// Retains the candidates whose logit is at least `threshold`.
    func filter(atLeast threshold: Float) {
        var kept = 0
        if isWhole {
            let list = list
            LogitScan.forEach(in: logits, atLeast: threshold) { token, logit in
                list[kept] = Candidate(token: Int32(truncatingIfNeeded: token), logit: logit, probability: 0)
                kept &+= 1
                return threshold
            }
            isWhole = false
        } else {
            for index in 0..<count where list[index].logit >= threshold {
                list[kept] = list[index]
                kept += 1
            }
        }
        count = kept
    }

    /// Retains the `limit` candidates with the largest logits, sorted.
    ///
    /// - Complexity: one fast pass over the candidates, and log(`limit`) per retained candidate.
    func truncateToLargest(_ limit: Int) {
        let limit = min(limit, count)
        if isSorted || limit == 0 {
            count = limit
            return
        }
        if isWhole, limit * 4 < count {
            selectLargest(limit)
            CandidateHeap.sort(list, count: count, by: LogitRanking.self)
        } else {
            materialize()
            sortLargest(min(limit, count))
        }
        truncateSorted(to: min(limit, count))
    }

    /// Copies the `limit` largest logits of the whole vocabulary to the list, as a heap whose root is the smallest of
    /// them.
    private func selectLargest(_ limit: Int) {
        let list = list
        var filled = 0
        LogitScan.forEach(in: logits, atLeast: -.infinity) { token, logit in
            let candidate = Candidate(token: Int32(truncatingIfNeeded: token), logit: logit, probability: 0)
            if filled < limit {
                list[filled] = candidate
                filled &+= 1
                if filled == limit { CandidateHeap.heapify(list, count: limit, by: LogitRanking.self) }
            } else if LogitRanking.ranksBefore(candidate, list[0]) {
                list[0] = candidate
                CandidateHeap.siftDown(list, from: 0, count: limit, by: LogitRanking.self)
            }
            return filled < limit ? -.infinity : list[0].logit
        }
        isWhole = false
        count = filled
    }

    /// Computes the probabilities of the remaining candidates; they add up to 1.
    ///
    /// - Complexity: one exponential per candidate.
    func computeProbabilities() {
        materialize()
        let largest = maximumLogit
        var sum: Float = 0
        for index in 0..<count {
            let weight = expf(list[index].logit - largest)
            list[index].probability = weight
            sum += weight
        }
        for index in 0..<count { list[index].probability /= sum }
    }

    /// Subtracts `offset` from every logit, then divides by `divisor`.
    func divideLogits(by divisor: Float, less offset: Float) {
        if isWhole {
            for token in 0..<count { logits[token] = (logits[token] - offset) / divisor }
        } else {
            for index in 0..<count { list[index].logit = (list[index].logit - offset) / divisor }
        }
    }

    /// Divides every logit by `divisor`.
    func divideLogits(by divisor: Float) {
        if isWhole {
            for token in 0..<count { logits[token] /= divisor }
        } else {
            for index in 0..<count { list[index].logit /= divisor }
        }
    }

    /// The candidate at which the running sum of weights exceeds `share` of the total.
    ///
    /// - Parameter share: 0 ≤ `share` < 1.
    /// - Returns: `nil` if no candidate has a finite logit.
    func sample(_ share: Double) -> Int32? {
        let largest = maximumLogit
        guard largest > -.infinity, largest < .infinity else { return nil }
        // The order of candidates is fixed, whatever filters ran before: the sample depends on the logits alone.
        var total = 0.0
        var last: Int32?
        if isWhole {
            for token in 0..<count where logits[token] > -.infinity { total += Double(expf(logits[token] - largest)) }
            var rest = share * total
            for token in 0..<count where logits[token] > -.infinity {
                last = Int32(truncatingIfNeeded: token)
                rest -= Double(expf(logits[token] - largest))
                if rest < 0 { break }
            }
        } else {
            if !isSorted { truncateToLargest(count) }
            for index in 0..<count { list[index].probability = expf(list[index].logit - largest) }
            last = sampleByProbability(share).map { list[$0].token }
        }
        return last
    }

    /// The position of the candidate at which the running sum of `probability` exceeds `share` of the total. The
    /// probabilities need not add up to 1.
    ///
    /// - Precondition: `!isWhole`.
    func sampleByProbability(_ share: Double) -> Int? {
        var total = 0.0
        for index in 0..<count { total += Double(list[index].probability) }
        var rest = share * total
        var last: Int?
        for index in 0..<count where list[index].probability > 0 {
            last = index
            rest -= Double(list[index].probability)
            if rest < 0 { break }
        }
        return last
    }
}
