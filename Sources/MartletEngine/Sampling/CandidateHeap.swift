/// An order of candidates.
protocol CandidateRanking {
    static func ranksBefore(_ first: Candidates.Candidate, _ second: Candidates.Candidate) -> Bool
}

/// By logit, descending; the lower token first among equal logits.
enum LogitRanking: CandidateRanking {
    @inline(__always)
    static func ranksBefore(_ first: Candidates.Candidate, _ second: Candidates.Candidate) -> Bool {
        first.logit > second.logit || (first.logit == second.logit && first.token < second.token)
    }
}

/// By probability, descending; the lower token first among equal probabilities.
enum ProbabilityRanking: CandidateRanking {
    @inline(__always)
    static func ranksBefore(_ first: Candidates.Candidate, _ second: Candidates.Candidate) -> Bool {
        first.probability > second.probability
            || (first.probability == second.probability && first.token < second.token)
    }
}

/// In-place heaps whose root is the candidate that ranks last.
enum CandidateHeap {
    @inline(__always)
    static func swapAt(_ list: UnsafeMutableBufferPointer<Candidates.Candidate>, _ first: Int, _ second: Int) {
        let candidate = list[first]
        list[first] = list[second]
        list[second] = candidate
    }

    /// Makes the first `count` elements a heap. Complexity: linear.
    static func heapify<R: CandidateRanking>(
        _ list: UnsafeMutableBufferPointer<Candidates.Candidate>, count: Int, by ranking: R.Type
    ) {
        var index = count / 2
        while index > 0 {
            index -= 1
            siftDown(list, from: index, count: count, by: ranking)
        }
    }

    /// Restores the heap below `start`. Complexity: logarithmic in `count`.
    static func siftDown<R: CandidateRanking>(
        _ list: UnsafeMutableBufferPointer<Candidates.Candidate>, from start: Int, count: Int, by ranking: R.Type
    ) {
        var parent = start
        while true {
            var child = 2 * parent + 1
            guard child < count else { return }
            if child + 1 < count, R.ranksBefore(list[child], list[child + 1]) { child += 1 }
            guard R.ranksBefore(list[parent], list[child]) else { return }
            swapAt(list, parent, child)
            parent = child
        }
    }

    /// Sorts the first `count` elements with heap sort, which needs no further memory.
    static func sort<R: CandidateRanking>(
        _ list: UnsafeMutableBufferPointer<Candidates.Candidate>, count: Int, by ranking: R.Type
    ) {
        heapify(list, count: count, by: ranking)
        var end = count
        while end > 1 {
            end -= 1
            swapAt(list, 0, end)
            siftDown(list, from: 0, count: end, by: ranking)
        }
    }
}
