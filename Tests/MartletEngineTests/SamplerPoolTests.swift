import MartletProtocol
import Synchronization
import Testing

@testable import MartletEngine

@Suite struct SamplerPoolTests {
    @Test(arguments: [
        // samples, passes of each, lanes, expected lanes
        (1, 50, 4, 1), (2, 50, 4, 2), (16, 50, 4, 4), (2, 1, 4, 1), (13, 1, 4, 1), (16, 1, 4, 4), (64, 1, 1, 1),
    ])
    func lanesAreUsedFromManyLogitsOn(samples: Int, passes: Int, lanes: Int, expected: Int) {
        var policy = ParallelSampling()
        policy.lanes = lanes
        #expect(policy.laneCount(sampleCount: samples, logitCount: samples * passes * 151_936) == expected)
    }

    @Test func passesDependOnWhetherComparisonsLeaveFewCandidates() {
        func passes(_ change: (inout SamplingParameters) -> Void) -> Int {
            var parameters = SamplingParameters()
            change(&parameters)
            return Sampler(parameters, vocabularySize: 16).passes
        }
        #expect(passes { _ in } == 1)
        #expect(passes { $0.temperature = 0 } == 1)
        #expect(passes { $0.topK = 0 } == 50)
        #expect(passes { $0.mirostat = .second } == 50)
    }

    @Test func everyJobIsDoneOnceAndLanesShareNothing() {
        var policy = ParallelSampling()
        policy.lanes = 4
        policy.minimumLogits = 0
        let samplerPool = SamplerPool(policy, vocabularySize: 16)
        #expect(samplerPool.laneCount(for: 10, logitCount: 0) == 4)
        #expect(samplerPool.laneCount(for: 1, logitCount: 0) == 1)
        let users = Mutex<[Int: [ObjectIdentifier]]>([:])
        for _ in 0..<100 {
            samplerPool.run(10, lanes: 4) { job, candidates in
                let user = ObjectIdentifier(candidates)
                users.withLock { $0[job, default: []].append(user) }
            }
        }
        let used = users.withLock { $0 }
        #expect(used.count == 10)
        // Each job of a round used the candidates of its lane.
        #expect(used.values.allSatisfy { $0.count == 100 && Set($0).count == 1 })
        #expect(Set(used.values.map { $0[0] }).count == 4)
    }
}
