import Synchronization
import Testing

@testable import MartletEngine

@Suite struct SamplingTeamTests {
    @Test(arguments: [
        // sequences, vocabulary, lanes, as many as
        (1, 152_000, 4, 1), (2, 152_000, 4, 2), (16, 152_000, 4, 4), (16, 8_192, 4, 1), (32, 8_192, 4, 4),
        (64, 152_000, 1, 1),
    ])
    func lanesAreUsedFromManyScoresOn(sequences: Int, vocabulary: Int, lanes: Int, expected: Int) {
        var policy = ParallelSampling()
        policy.lanes = lanes
        #expect(policy.laneCount(sequenceCount: sequences, vocabularySize: vocabulary) == expected)
    }

    @Test func everyJobIsDoneOnceAndLanesShareNothing() {
        var policy = ParallelSampling()
        policy.lanes = 4
        policy.minimumScores = 0
        let team = SamplingTeam(policy, vocabularySize: 16)
        #expect(team.isWorth(2))
        #expect(!team.isWorth(1))
        let users = Mutex<[Int: [ObjectIdentifier]]>([:])
        for _ in 0..<100 {
            team.run(10) { job, candidates in
                let user = ObjectIdentifier(candidates)
                users.withLock { $0[job, default: []].append(user) }
            }
        }
        let used = users.withLock { $0 }
        #expect(used.count == 10)
        // Each job of a round has its lane's.
        #expect(used.values.allSatisfy { $0.count == 100 && Set($0).count == 1 })
        #expect(Set(used.values.map { $0[0] }).count == 4)
    }
}
