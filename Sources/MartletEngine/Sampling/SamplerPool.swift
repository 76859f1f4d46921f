import Dispatch

/// When the tokens of several sequences are sampled in parallel.
package struct ParallelSampling: Sendable, Equatable {
    /// The largest number of parallel samples; `nil` = the number of cores, at most 8.
    package var lanes: Int?
    /// The number of logits, in passes as `Sampler.passes` counts them, from which waking other threads pays. Sampling
    /// from so many logits takes 0.2 ms.
    package var minimumLogits = 1 << 21

    package init() {}

    /// The number of lanes for `sampleCount` samples over `logitCount` logits in total; 1 = no parallel sampling.
    func laneCount(sampleCount: Int, logitCount: Int) -> Int {
        guard logitCount >= minimumLogits else { return 1 }
        return max(1, min(lanes ?? Self.standardLanes, sampleCount))
    }

    static var standardLanes: Int { min(ThreadCount.physicalCores, 8) }
}

/// Samples the tokens of several sequences, with separate candidates for each lane.
///
/// A sample depends on logits, history and a counter alone. Therefore the result does not depend on the lane.
///
/// Thread: the engine thread, which is also a lane. The other lanes run only while it waits for them.
final class SamplerPool {
    private let policy: ParallelSampling
    private let vocabularySize: Int
    /// The candidates of each lane; created with its first use.
    private var candidates: [Candidates]

    init(_ policy: ParallelSampling, vocabularySize: Int) {
        var policy = policy
        // The number of cores is queried once.
        policy.lanes = policy.lanes ?? ParallelSampling.standardLanes
        self.policy = policy
        self.vocabularySize = vocabularySize
        candidates = [Candidates(vocabularySize: vocabularySize)]
    }

    /// The candidates of the engine thread.
    var first: Candidates { candidates[0] }

    /// The number of lanes that are worthwhile for `count` samples over `logitCount` logits in total.
    func laneCount(for count: Int, logitCount: Int) -> Int {
        policy.laneCount(sampleCount: count, logitCount: logitCount)
    }

    /// Calls `body` for each number below `count`, in parallel, and returns when all calls have returned.
    func run(_ count: Int, lanes laneCount: Int, _ body: @Sendable (_ job: Int, _ candidates: Candidates) -> Void) {
        while candidates.count < laneCount { candidates.append(Candidates(vocabularySize: vocabularySize)) }
        // Each lane uses its own element, and this thread, which owns the array, waits for all lanes.
        nonisolated(unsafe) let candidates = candidates
        DispatchQueue.concurrentPerform(iterations: laneCount) { lane in
            for job in stride(from: lane, to: count, by: laneCount) { body(job, candidates[lane]) }
        }
    }
}
