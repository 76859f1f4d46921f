import Dispatch

/// When the tokens of several sequences are sampled at once.
package struct ParallelSampling: Sendable, Equatable {
    /// Most samples at once; `nil` = as many as there are cores, up to 8.
    package var lanes: Int?
    /// From so many logits on, of all samples together and as `Sampler.passes` counts them: what waking others costs.
    /// So many take 0.2 milliseconds.
    package var minimumLogits = 1 << 21

    package init() {}

    /// How many lanes sample.
    func laneCount(sampleCount: Int, logitCount: Int) -> Int {
        guard logitCount >= minimumLogits else { return 1 }
        return max(1, min(lanes ?? Self.standardLanes, sampleCount))
    }

    static var standardLanes: Int { min(ThreadCount.physicalCores, 8) }
}

/// Samples the tokens of several sequences, each lane with candidates of its own.
///
/// A sample depends on logits, history and a counter alone, so what is sampled does not depend on who samples it.
///
/// Thread: the engine's, which is one of the lanes; the others work only while it waits for them.
final class SamplerPool {
    private let policy: ParallelSampling
    private let vocabularySize: Int
    /// Made with the first use of a lane.
    private var candidates: [Candidates]

    init(_ policy: ParallelSampling, vocabularySize: Int) {
        var policy = policy
        // Asked of the system once.
        policy.lanes = policy.lanes ?? ParallelSampling.standardLanes
        self.policy = policy
        self.vocabularySize = vocabularySize
        candidates = [Candidates(vocabularySize: vocabularySize)]
    }

    /// The engine thread's own.
    var first: Candidates { candidates[0] }

    /// How many lanes `count` samples are worth that look at `logitCount` logits together.
    func laneCount(for count: Int, logitCount: Int) -> Int {
        policy.laneCount(sampleCount: count, logitCount: logitCount)
    }

    /// Calls `body` for each number below `count`, several at once, and returns when all are done.
    func run(_ count: Int, lanes laneCount: Int, _ body: @Sendable (_ job: Int, _ candidates: Candidates) -> Void) {
        while candidates.count < laneCount { candidates.append(Candidates(vocabularySize: vocabularySize)) }
        // Each lane uses its own, and this thread, whose they are, waits for all lanes.
        nonisolated(unsafe) let candidates = candidates
        DispatchQueue.concurrentPerform(iterations: laneCount) { lane in
            for job in stride(from: lane, to: count, by: laneCount) { body(job, candidates[lane]) }
        }
    }
}
