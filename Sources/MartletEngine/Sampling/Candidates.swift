#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The tokens that may still be drawn, with their scores.
///
/// It begins as the whole vocabulary without copying it; the first filter that leaves tokens out makes it a list.
/// Memory is allocated once and used again for every token of every generation. Not shared between threads.
final class Candidates {
    struct Candidate {
        var token: Int32
        var logit: Float
        /// Set by `computeProbabilities()`.
        var probability: Float
    }

    private let list: UnsafeMutableBufferPointer<Candidate>
    private var logits = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    /// Whether this is still the whole vocabulary, with scores in `logits`.
    private(set) var isWhole = true
    private(set) var count = 0
    /// Whether the list descends by score; of equal scores the lower token is first.
    private(set) var isSorted = false

    init(vocabularySize: Int) {
        list = .allocate(capacity: vocabularySize)
        list.initialize(repeating: Candidate(token: 0, logit: 0, probability: 0))
    }

    deinit {
        list.deallocate()
    }

    /// Begins with all tokens.
    ///
    /// - Parameter logits: one score per token of the vocabulary; valid until the token is drawn.
    func reset(_ logits: UnsafeMutableBufferPointer<Float>) {
        precondition(logits.count <= list.count)
        self.logits = logits
        isWhole = true
        isSorted = false
        count = logits.count
    }

    /// - Precondition: `!isWhole`.
    subscript(index: Int) -> Candidate {
        get { list[index] }
        set { list[index] = newValue }
    }

    /// Makes this a list, in the order of tokens, without what is no number.
    func materialize() {
        if isWhole { keep(atLeast: -.infinity) }
    }

    /// Brings the `limit` best to the front in order, and keeps the others behind them.
    ///
    /// - Precondition: `!isWhole`.
    func sortLargest(_ limit: Int) {
        guard !isSorted else { return }
        if limit < count {
            heapify(list, count: limit)
            for index in limit..<count where ranksBefore(list[index], list[0]) {
                swapAt(list, index, 0)
                siftDown(list, from: 0, count: limit)
            }
        }
        sort(list, count: limit)
        isSorted = limit == count
    }

    /// Leaves only the first `newCount`, which `sortLargest` has put in order.
    func truncateSorted(to newCount: Int) {
        count = newCount
        isSorted = true
    }

    /// The largest score.
    var maximumLogit: Float {
        if isWhole { return LogitScan.maximum(logits).value }
        if isSorted { return count > 0 ? list[0].logit : -.infinity }
        var best = -Float.infinity
        for index in 0..<count where list[index].logit > best { best = list[index].logit }
        return best
    }

    /// Leaves only those whose score is at least `threshold`.
    func keep(atLeast threshold: Float) {
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

    /// Leaves only the `limit` with the largest scores, sorted.
    ///
    /// - Complexity: one fast pass over the candidates; what is kept costs log(`limit`) each.
    func keepLargest(_ limit: Int) {
        let limit = min(limit, count)
        if isSorted || limit == 0 {
            count = limit
            return
        }
        if isWhole, limit * 4 < count {
            selectLargest(limit)
            sort(list, count: count)
        } else {
            materialize()
            sortLargest(min(limit, count))
        }
        truncateSorted(to: min(limit, count))
    }

    /// Takes the `limit` best of the whole vocabulary, in no order, as a heap whose root is the worst of them.
    private func selectLargest(_ limit: Int) {
        let list = list
        var filled = 0
        LogitScan.forEach(in: logits, atLeast: -.infinity) { token, logit in
            let candidate = Candidate(token: Int32(truncatingIfNeeded: token), logit: logit, probability: 0)
            if filled < limit {
                list[filled] = candidate
                filled &+= 1
                if filled == limit { heapify(list, count: limit) }
            } else if ranksBefore(candidate, list[0]) {
                list[0] = candidate
                siftDown(list, from: 0, count: limit)
            }
            return filled < limit ? -.infinity : list[0].logit
        }
        isWhole = false
        count = filled
    }

    /// Sets every candidate's probability, as a share of those that are left.
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

    /// Divides every score.
    func divideLogits(by divisor: Float) {
        if isWhole {
            for token in 0..<count { logits[token] /= divisor }
        } else {
            for index in 0..<count { list[index].logit /= divisor }
        }
    }

    /// The candidate at which the running sum of weights passes `share` of their total.
    ///
    /// - Parameter share: 0 ≤ `share` < 1.
    /// - Returns: `nil` if there is no candidate with a weight.
    func draw(_ share: Double) -> Int32? {
        let largest = maximumLogit
        guard largest > -.infinity, largest < .infinity else { return nil }
        // One order for equal candidates, whatever filters ran: what is drawn depends on scores alone.
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
            if !isSorted { keepLargest(count) }
            for index in 0..<count {
                let weight = expf(list[index].logit - largest)
                list[index].probability = weight
                total += Double(weight)
            }
            var rest = share * total
            for index in 0..<count where list[index].probability > 0 {
                last = list[index].token
                rest -= Double(list[index].probability)
                if rest < 0 { break }
            }
        }
        return last
    }
}

private typealias Candidate = Candidates.Candidate

@inline(__always)
private func ranksBefore(_ first: Candidate, _ second: Candidate) -> Bool {
    first.logit > second.logit || (first.logit == second.logit && first.token < second.token)
}

@inline(__always)
private func swapAt(_ list: UnsafeMutableBufferPointer<Candidate>, _ first: Int, _ second: Int) {
    let candidate = list[first]
    list[first] = list[second]
    list[second] = candidate
}

private func heapify(_ list: UnsafeMutableBufferPointer<Candidate>, count: Int) {
    var index = count / 2
    while index > 0 {
        index -= 1
        siftDown(list, from: index, count: count)
    }
}

private func siftDown(_ list: UnsafeMutableBufferPointer<Candidate>, from start: Int, count: Int) {
    var parent = start
    while true {
        var child = 2 * parent + 1
        guard child < count else { return }
        if child + 1 < count, ranksBefore(list[child], list[child + 1]) { child += 1 }
        guard ranksBefore(list[parent], list[child]) else { return }
        swapAt(list, parent, child)
        parent = child
    }
}

/// Heap sort: no memory of its own.
private func sort(_ list: UnsafeMutableBufferPointer<Candidate>, count: Int) {
    heapify(list, count: count)
    var end = count
    while end > 1 {
        end -= 1
        swapAt(list, 0, end)
        siftDown(list, from: 0, count: end)
    }
}
