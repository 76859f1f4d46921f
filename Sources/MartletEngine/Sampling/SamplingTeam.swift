import Dispatch

/// When the tokens of several sequences are drawn at once.
package struct ParallelSampling: Sendable, Equatable {
    /// Most draws at once; `nil` = as many as there are cores, up to 8.
    package var lanes: Int?
    /// From so many scores on, of all draws together and as `Sampler.passes` counts them: what waking others costs. So many
    /// take 0.2 milliseconds.
    package var minimumScores = 1 << 21

    package init() {}

    /// How many lanes draw.
    func laneCount(drawCount: Int, scores: Int) -> Int {
        guard scores >= minimumScores else { return 1 }
        return max(1, min(lanes ?? Self.standardLanes, drawCount))
    }

    static var standardLanes: Int { min(ThreadCount.physicalCores, 8) }
}

/// Draws the tokens of several sequences, each lane with candidates of its own.
///
/// A draw depends on scores, history and a counter alone, so what is drawn does not depend on who draws it.
///
/// Thread: the engine's, which is one of the lanes; the others work only while it waits for them.
final class SamplingTeam {
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

    /// How many lanes `count` draws are worth that look at `scores` scores together.
    func laneCount(for count: Int, scores: Int) -> Int { policy.laneCount(drawCount: count, scores: scores) }

    /// Calls `draw` for each number below `count`, several at once, and returns when all are done.
    func run(_ count: Int, lanes laneCount: Int, _ draw: @Sendable (_ job: Int, _ candidates: Candidates) -> Void) {
        while candidates.count < laneCount { candidates.append(Candidates(vocabularySize: vocabularySize)) }
        // Each lane uses its own, and this thread, whose they are, waits for all lanes.
        nonisolated(unsafe) let candidates = candidates
        DispatchQueue.concurrentPerform(iterations: laneCount) { lane in
            for job in stride(from: lane, to: count, by: laneCount) { draw(job, candidates[lane]) }
        }
    }
}
