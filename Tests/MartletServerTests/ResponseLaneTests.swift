import MartletTestSupport
import MartletText
import Testing

@testable import MartletServer

/// The order of the responses of one WebSocket, against lists.
struct ResponseLaneTests {
    @Test(arguments: [1, 2, 3]) func lanesAreQueuesSideBySide(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var lanes = ResponseLanes<Int>()
        /// The jobs of each lane; the first one runs.
        var model: [ExactString?: [Int]] = [:]
        for job in 0..<600 {
            let number = Int.random(in: 0..<20, using: &random)
            let lane: ExactString? = number == 0 ? nil : ExactString("\(number)")
            if Int.random(in: 0..<3, using: &random) == 0 {
                let expected = model[lane].map { Array($0.dropFirst()) } ?? []
                #expect(lanes.finish(lane) == expected.first)
                model[lane] = expected.isEmpty ? nil : expected
                continue
            }
            let waiting = model.values.reduce(0) { $0 + $1.count - 1 }
            let admission = lanes.add(job, to: lane)
            if model[lane] != nil {
                #expect(admission == (waiting < ResponseLanes<Int>.waitingLimit ? .waits : .tooManyJobs))
                if admission == .waits { model[lane]?.append(job) }
            } else {
                #expect(admission == (model.count < ResponseLanes<Int>.laneLimit ? .begins : .tooManyLanes))
                if admission == .begins { model[lane] = [job] }
            }
            #expect(lanes.runningCount == model.count)
        }
    }
}
