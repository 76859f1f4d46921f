import Foundation
import MartletSimulation
import Testing

/// Runs `martlet-simulate` beside the tests, as its hook captures the tasks of a whole process.
@Suite struct SimulationTests {
    /// Two processes of 250 seeds each. `MARTLET_SEEDS` sets another number.
    private static let seeds = ProcessInfo.processInfo.environment["MARTLET_SEEDS"].flatMap { Int($0) } ?? 250

    @Test(arguments: [1, 1_000_001]) func noSeedBreaksARule(from first: Int) throws {
        let (status, output) = try simulate(["--seeds", "\(Self.seeds)", "--from", "\(first)"])
        #expect(status == 0, "\(output.suffix(8_000))")
        #expect(output.contains("no rule is broken"))
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        let (status, output) = try simulate(["--seeds", "20", "--from", "500", "--twice"])
        #expect(status == 0, "\(output.suffix(2_000))")
    }

    /// A program of tasks has the schedule that all builds have, so that a plan of one build is valid in the other.
    @Test func aPlanRunsEquallyInEveryBuild() throws {
        let (status, output) = try simulate(["--seeds", "1"])
        #expect(status == 0)
        #expect(!output.contains("warning"), "\(output)")
        #expect(output.contains("digest"))
    }

    @Test(arguments: SavedPlans.lines) func noSavedPlanBreaksARule(plan: String) throws {
        let (status, output) = try simulate(["--plan", plan])
        #expect(status == 0, "\(output.suffix(8_000))")
    }

    @Test func aPlanIsOneLine() throws {
        var plan = SimulationPlan(seed: 7, steps: 300)
        plan.actors = [1, 4]
        plan.faults = []
        #expect(plan.line == "seed=7 steps=300 actors=1,4 faults=")
        #expect(SimulationPlan(line: plan.line, steps: 1) == plan)
        #expect(SimulationPlan(line: "seed=7", steps: 50) == SimulationPlan(seed: 7, steps: 50))
        #expect(SimulationPlan(line: "steps=7", steps: 50) == nil)
    }

    @Test func aFailingPlanIsMadeSmaller() {
        var plan = SimulationPlan(seed: 1, steps: 2_000)
        plan.actors = Array(0..<9)
        plan.faults = Array(0..<6)
        // The rule is broken by actor 3 and fault 5 within 200 steps.
        let smallest = PlanShrinking.smallest(plan) { plan in
            guard plan.actors.contains(3), plan.faults.contains(5), plan.steps >= 200 else { return nil }
            return SimulationFailure(rule: .text, what: "", step: 200)
        }
        #expect(smallest.actors == [3])
        #expect(smallest.faults == [5])
        #expect((200..<300).contains(smallest.steps))
    }

    @Test func randomNumbersCoverTheirRange() {
        var random = SimulationRandom(seed: 1)
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<6_000 { counts[random.below(6)] += 1 }
        #expect(counts.allSatisfy { (850..<1_150).contains($0) })
    }

    /// Runs the program to its end.
    private func simulate(_ arguments: [String]) throws -> (status: Int32, output: String) {
        // On Linux the tests' executable lies beside the program; on macOS, in a bundle that does.
        let own = CommandLine.arguments
        var place = own[0]
        if let index = own.firstIndex(of: "--test-bundle-path"), index + 1 < own.count { place = own[index + 1] }
        let folder = URL(fileURLWithPath: place).deletingLastPathComponent()
        let process = Process()
        let pipe = Pipe()
        process.executableURL = folder.appendingPathComponent("martlet-simulate")
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
