import Foundation
import MartletFiles
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletStreams

/// Journals of several servers in a row on a simulated disk, each of which dies at any operation.
///
/// A seed decides everything: what the servers write, when they die, what the disk loses, and which entries of other
/// programs are in the folder.
@Suite(.timeLimit(.minutes(60))) struct JournalSimulationTests {
    private static let seedCount = ProcessInfo.processInfo.environment["MARTLET_SEEDS"].flatMap(UInt64.init) ?? 2_400
    /// The parts of the seeds, which run in parallel.
    private static let partCount: UInt64 = 6

    /// A disk without faults: what a step of the journal has written survives, and nothing else comes back.
    @Test(arguments: 0..<partCount) func durableRecordsSurviveEveryCrash(part: UInt64) throws {
        var counts = JournalSimulation.Counts()
        for seed in stride(from: part, to: Self.seedCount, by: Int(Self.partCount)) {
            var simulation = JournalSimulation(seed: seed)
            if let problem = simulation.run() {
                Issue.record(Comment(rawValue: Self.report(seed, problem, simulation.story)))
                return
            }
            counts.add(simulation.counts)
        }
        // The simulation reaches what it is made for.
        let seeds = Int(Self.seedCount / Self.partCount)
        #expect(counts.crashes > seeds / 2)
        #expect(counts.restored > seeds)
        #expect(counts.cut > seeds / 20)
        #expect(counts.setAside > seeds / 20)
        #expect(counts.upgraded > seeds / 50)
        #expect(counts.kept > seeds / 50)
    }

    /// With faults a journal may be abandoned, but what comes back was written, and each generation ends once.
    @Test func faultsInventNothing() throws {
        var lost = 0
        for seed in 0..<(Self.seedCount / 4) {
            var simulation = JournalSimulation(seed: seed, hasFaults: true)
            if let problem = simulation.run() {
                Issue.record(Comment(rawValue: Self.report(seed, problem, simulation.story)))
                return
            }
            lost += simulation.counts.lost
        }
        #expect(lost > 0)
    }

    /// The end of the story, and all lines about the generation that the problem names.
    private static func report(_ seed: UInt64, _ problem: String, _ story: [String]) -> String {
        let id = problem.prefix(4)
        let lines = story.dropLast(40).filter { line in
            ["server", "loss", "death", "faults"].contains { line.hasPrefix($0) } || line.contains(id)
        }
        return (["seed \(seed): \(problem)"] + lines + story.suffix(40)).joined(separator: "\n")
    }

    @Test func equalSeedsTellEqualStories() {
        for seed: UInt64 in [3, 99] {
            var (first, second) = (JournalSimulation(seed: seed), JournalSimulation(seed: seed))
            #expect(first.run() == second.run())
            #expect(first.story == second.story)
            #expect(first.story.count > 20)
        }
    }
}
