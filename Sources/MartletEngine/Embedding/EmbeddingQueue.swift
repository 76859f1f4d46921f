import DequeModule

/// Decides which inputs are read next.
///
/// Requests take turns input by input, so one with a thousand inputs does not hold up one with a single input. An
/// input is computed at once; only one that is longer than a decode may be is computed in parts, with nothing beside
/// it.
struct EmbeddingQueue: Sendable {
    /// Tokens of one input for the next decode.
    struct Part: Sendable, Equatable {
        var job: UInt64
        var input: Int
        var start: Int
        var count: Int
        /// Whether the input ends with it.
        var isLast: Bool
    }

    private struct Job {
        var id: UInt64
        /// Tokens of each input.
        var counts: [Int]
        /// The next input, and how many of its tokens have been computed.
        var input = 0
        var start = 0
    }

    /// The one whose turn it is comes first.
    private var jobs: Deque<Job> = []

    var isEmpty: Bool { jobs.isEmpty }
    var count: Int { jobs.count }

    /// - Parameter counts: how many tokens each input has: at least one input, at least one token each.
    mutating func append(_ id: UInt64, counts: [Int]) {
        jobs.append(Job(id: id, counts: counts))
    }

    mutating func remove(_ id: UInt64) {
        jobs.removeAll { $0.id == id }
    }

    /// What is computed next, which then counts as done.
    ///
    /// - Parameters:
    ///   - budget: how many tokens are wanted; the first part may have more, as it cannot be smaller.
    ///   - limit: most tokens of one decode.
    ///   - sequences: most inputs at once.
    mutating func next(budget: Int, limit: Int, sequences: Int) -> [Part] {
        var parts: [Part] = []
        var used = 0
        while parts.count < sequences, let job = jobs.first {
            let rest = job.counts[job.input] - job.start
            if rest > limit || job.start > 0 {
                // Alone, now or in the next decode.
                if parts.isEmpty { parts = [dequeue(min(rest, limit))] }
                return parts
            }
            guard parts.isEmpty || used + rest <= min(budget, limit) else { return parts }
            parts.append(dequeue(rest))
            used += rest
        }
        return parts
    }

    /// Takes tokens of the first job. When its input ends with them, it is the next job's turn.
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
