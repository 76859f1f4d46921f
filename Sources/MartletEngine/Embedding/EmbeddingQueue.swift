import DequeModule

/// Decides which inputs are computed next.
///
/// Requests alternate input by input, so a request with a thousand inputs does not delay a request with one. An input
/// is computed in one decode. Only an input that is longer than the largest batch is computed in several parts, without
/// other inputs in these batches.
struct EmbeddingQueue: Sendable {
    /// The tokens of one input that go into the next decode.
    struct Part: Sendable, Equatable {
        var job: UInt64
        var input: Int
        var start: Int
        var count: Int
        /// Whether these are the last tokens of the input.
        var isLast: Bool
    }

    private struct Job {
        var id: UInt64
        /// The number of tokens of each input.
        var counts: [Int]
        /// The index of the next input, and how many of its tokens have been computed.
        var input = 0
        var start = 0
    }

    /// The job whose input comes next is the first.
    private var jobs: Deque<Job> = []

    var isEmpty: Bool { jobs.isEmpty }
    var count: Int { jobs.count }

    /// Adds a job at the end.
    ///
    /// - Parameter counts: the number of tokens of each input; at least one input, with at least one token each.
    mutating func append(_ id: UInt64, counts: [Int]) {
        jobs.append(Job(id: id, counts: counts))
    }

    /// Removes a job, wherever it is in the queue.
    mutating func remove(_ id: UInt64) {
        jobs.removeAll { $0.id == id }
    }

    /// Removes and returns the parts of the next batch.
    ///
    /// - Parameters:
    ///   - budget: the wanted number of tokens; the first part may be larger, because an input is not split below
    ///     `limit`.
    ///   - limit: the largest number of tokens of one decode.
    ///   - sequences: the largest number of inputs of one decode.
    /// - Returns: an empty list if the queue is empty.
    mutating func next(budget: Int, limit: Int, sequences: Int) -> [Part] {
        var parts: [Part] = []
        var used = 0
        while parts.count < sequences, let job = jobs.first {
            let rest = job.counts[job.input] - job.start
            if rest > limit || job.start > 0 {
                // A part of a long input fills a batch by itself, now or in the next decode.
                if parts.isEmpty { parts = [dequeue(min(rest, limit))] }
                return parts
            }
            guard parts.isEmpty || used + rest <= min(budget, limit) else { return parts }
            parts.append(dequeue(rest))
            used += rest
        }
        return parts
    }

    /// Removes `count` tokens from the first job. At the end of an input the job goes to the end of the queue.
    private mutating func dequeue(_ count: Int) -> Part {
        var job = jobs.removeFirst()
        let isLast = job.start + count == job.counts[job.input]
        let part = Part(job: job.id, input: job.input, start: job.start, count: count, isLast: isLast)
        job.start = isLast ? 0 : job.start + count
        if isLast { job.input += 1 }
        if job.input < job.counts.count {
            isLast ? jobs.append(job) : jobs.prepend(job)
        }
        return part
    }
}
