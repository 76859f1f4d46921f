import Dispatch

/// When the tokens of several sequences are drawn at once.
package struct ParallelSampling: Sendable, Equatable {
    /// Most draws at once; `nil` = as many as there are cores, up to 8.
    package var lanes: Int?
    /// From so many scores on, of all sequences together: below, waking others costs more than they save. Plain draws from so
    /// many take about a tenth of a millisecond.
    package var minimumScores = 1 << 18

    package init() {}

    /// How many lanes draw for `sequenceCount` sequences.
    func laneCount(sequenceCount: Int, vocabularySize: Int) -> Int {
        guard sequenceCount * vocabularySize >= minimumScores else { return 1 }
        return max(1, min(lanes ?? min(ThreadCount.physicalCores, 8), sequenceCount))
    }
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
        policy.lanes = policy.lanes ?? min(ThreadCount.physicalCores, 8)
        self.policy = policy
        self.vocabularySize = vocabularySize
        candidates = [Candidates(vocabularySize: vocabularySize)]
    }

    /// The engine thread's own.
    var first: Candidates { candidates[0] }

    /// Whether `count` draws are worth more than one lane.
    func isWorth(_ count: Int) -> Bool {
        policy.laneCount(sequenceCount: count, vocabularySize: vocabularySize) > 1
    }

    /// Calls `draw` for each number below `count`, several at once, and returns when all are done.
    func run(_ count: Int, _ draw: @Sendable (_ job: Int, _ candidates: Candidates) -> Void) {
        let laneCount = policy.laneCount(sequenceCount: count, vocabularySize: vocabularySize)
        while candidates.count < laneCount { candidates.append(Candidates(vocabularySize: vocabularySize)) }
        // Each lane uses its own, and this thread, whose they are, waits for all lanes.
        nonisolated(unsafe) let candidates = candidates
        DispatchQueue.concurrentPerform(iterations: laneCount) { lane in
            for job in stride(from: lane, to: count, by: laneCount) { draw(job, candidates[lane]) }
        }
    }
}
