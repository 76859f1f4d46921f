import Testing

@testable import MartletEngine

@Suite struct BatchPlannerTests {
    typealias Demand = BatchPlanner.Demand
    typealias Share = BatchPlanner.Share

    static let shape = BatchShape(microBatchSize: 512, isReproducible: true, sharesMemory: true)

    func plan(_ planner: inout BatchPlanner, _ demands: [Demand], budget: Int = 512) -> [Share] {
        var shares: [Share] = []
        planner.plan(demands, promptBudget: budget, into: &shares)
        return shares
    }

    @Test func everySequenceThatWritesTakesPart() {
        var planner = BatchPlanner(shape: Self.shape)
        let shares = plan(&planner, (0..<40).map { Demand(sequence: $0, count: 1, isWriting: true) })
        #expect(shares == (0..<40).map { Share(sequence: $0, count: 1, isWriting: true) })
    }

    @Test func moreWritersThanFitTakeTurns() {
        var planner = BatchPlanner(shape: Self.shape)
        let demands = (0..<100).map { Demand(sequence: $0, count: 1, isWriting: true) }
        var counts = [Int](repeating: 0, count: 100)
        for _ in 0..<100 {
            let shares = plan(&planner, demands)
            #expect(shares.count == 63)
            for share in shares { counts[share.sequence] += 1 }
        }
        #expect(counts.allSatisfy { $0 == 63 })
    }

    @Test func wideAndNarrowAlternateAndNeverMix() {
        var planner = BatchPlanner(shape: Self.shape)
        let demands = [
            Demand(sequence: 0, count: 1, isWriting: true), Demand(sequence: 1, count: 640, isWide: true),
        ]
        #expect(plan(&planner, demands) == [Share(sequence: 0, count: 1, isWriting: true)])
        #expect(plan(&planner, demands) == [Share(sequence: 1, count: 512)])
        #expect(plan(&planner, demands) == [Share(sequence: 0, count: 1, isWriting: true)])
    }

    @Test(arguments: [1, 63, 64, 100, 200, 512])
    func promptsStayInTheBudgetByWholeChunks(budget: Int) {
        var planner = BatchPlanner(shape: Self.shape)
        let shares = plan(
            &planner, [Demand(sequence: 0, count: 1024, isWide: true), Demand(sequence: 1, count: 128, isWide: true)],
            budget: budget)
        #expect(shares.allSatisfy { $0.count % 64 == 0 })
        #expect(shares.reduce(0) { $0 + $1.count } == max(64, budget / 64 * 64))
    }

    @Test func promptsShareTheBudgetAndShortOnesLeaveTheirRest() {
        var planner = BatchPlanner(shape: Self.shape)
        let shares = plan(
            &planner,
            [
                Demand(sequence: 0, count: 1024, isWide: true), Demand(sequence: 1, count: 64, isWide: true),
                Demand(sequence: 2, count: 1024, isWide: true),
            ])
        #expect(shares.map(\.sequence) == [0, 1, 2])
        #expect(shares.map(\.count) == [256, 64, 192] || shares.map(\.count) == [192, 64, 256])
    }

    @Test func manyPromptsTakeTurns() {
        var planner = BatchPlanner(shape: Self.shape)
        let demands = (0..<20).map { Demand(sequence: $0, count: 6400, isWide: true) }
        var counts = [Int](repeating: 0, count: 20)
        for _ in 0..<20 {
            for share in plan(&planner, demands, budget: 128) { counts[share.sequence] += share.count }
        }
        #expect(counts.allSatisfy { $0 == 128 })
    }

    @Test func narrowDecodesNeverReachTheWideSize() {
        var planner = BatchPlanner(shape: Self.shape)
        let demands =
            (0..<20).map { Demand(sequence: $0, count: 1, isWriting: true) }
            + (20..<30).map { Demand(sequence: $0, count: 50) }
        let shares = plan(&planner, demands)
        #expect(shares.reduce(0) { $0 + $1.count } == 63)
        #expect(shares.prefix(20).allSatisfy { $0.isWriting })
    }

    @Test func noCrumbOfAPromptIsLeft() {
        var planner = BatchPlanner(shape: Self.shape)
        let writers = (0..<3).map { Demand(sequence: $0, count: 1, isWriting: true) }
        for (count, expected) in [(16, 16), (17, 17), (23, 23), (24, 16), (60, 16)] {
            let shares = plan(&planner, writers + [Demand(sequence: 3, count: count)], budget: 16)
            #expect(shares.map(\.count) == [1, 1, 1, expected])
        }
        // Not beyond what a narrow decode holds.
        let prompts = (0..<4).map { Demand(sequence: $0, count: 17) }
        #expect(plan(&planner, prompts).map(\.count).sorted() == [15, 16, 16, 16])
    }

    @Test func planHoldsNobodyTwiceAndNobodyBeyondItsDemand() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var planner = BatchPlanner(shape: Self.shape)
            let demands = (0..<Int.random(in: 1...80, using: &random)).map { sequence in
                let kind = Int.random(in: 0..<3, using: &random)
                return Demand(
                    sequence: sequence,
                    count: kind == 0 ? 1 : kind == 1 ? .random(in: 1..<64, using: &random) : 64 * .random(in: 1...30),
                    isWide: kind == 2, isWriting: kind == 0)
            }
            let budget = Int.random(in: 1...600, using: &random)
            for _ in 0..<4 {
                let shares = plan(&planner, demands, budget: budget)
                #expect(!shares.isEmpty)
                #expect(Set(shares.map(\.sequence)).count == shares.count)
                #expect(shares.allSatisfy { $0.count > 0 && $0.count <= demands[$0.sequence].count })
                #expect(Set(shares.map { demands[$0.sequence].isWide }).count == 1)
                #expect(shares.reduce(0) { $0 + $1.count } <= 512)
            }
        }
    }

    @Test func kindOfATokenDependsOnItsPlaceInThePromptAlone() {
        for promptCount in [1, 63, 64, 65, 200, 256] {
            for start in 0..<(promptCount + 10) {
                let next = Self.shape.next(from: start, to: promptCount + 10, promptCount: promptCount)
                for position in start..<(start + next.count) {
                    #expect(position >= promptCount / 64 * 64 || next.isWide || start % 64 != 0)
                    #expect(!next.isWide || position < promptCount / 64 * 64)
                }
                #expect(!next.isWide || next.count % 64 == 0)
            }
        }
    }

    @Test func paceKeepsThePromiseOnceItKnows() {
        var pace = PromptPace(stall: .milliseconds(50), ceiling: 512, patience: .milliseconds(3))
        #expect(pace.budget(isSomebodyWriting: false) == 512)
        #expect(pace.budget(isSomebodyWriting: true) == 64)
        for _ in 0..<20 { pace.observe(tokens: 100, nanoseconds: 25_000_000) }
        #expect((199...200).contains(pace.budget(isSomebodyWriting: true)))
        for _ in 0..<40 { pace.observe(tokens: 100, nanoseconds: 10_000_000_000) }
        #expect(pace.budget(isSomebodyWriting: true) == 16)
        for _ in 0..<60 { pace.observe(tokens: 100, nanoseconds: 1) }
        #expect(pace.budget(isSomebodyWriting: true) == 512)
    }

    @Test func aShortDecodeIsNotHeldUpForLong() {
        var pace = PromptPace(stall: .milliseconds(60), ceiling: 512)
        pace.observe(tokens: 100, nanoseconds: 20_000_000)
        #expect(pace.budget(isSomebodyWriting: true) == 300)
        for (milliseconds, budget) in [(1, 100), (30, 150), (200, 300)] {
            for _ in 0..<60 { pace.observe(tokens: 0, nanoseconds: Int64(milliseconds) * 1_000_000) }
            #expect((budget - 1...budget).contains(pace.budget(isSomebodyWriting: true)))
        }
        #expect(pace.budget(isSomebodyWriting: false) == 512)
    }

    /// Few tokens beside many that are written cost little more than those alone; they must not seem dear for that.
    @Test func paceIsOfWhatPromptsAdd() {
        var pace = PromptPace(stall: .milliseconds(60), ceiling: 512)
        for _ in 0..<60 {
            pace.observe(tokens: 0, nanoseconds: 20_000_000)
            pace.observe(tokens: 16, nanoseconds: 21_600_000, besideWriters: true)
        }
        // 0.135 ms each, at least a tenth of the whole.
        #expect((140...150).contains(pace.budget(isSomebodyWriting: true)))
    }

    @Test func othersAreWaitedForAHundredthOfTheTime() {
        var pace = PromptPace(stall: .milliseconds(50), ceiling: 512, patience: .milliseconds(3))
        #expect(pace.wait(before: 1_000) == .zero)
        // A first prompt says something, however short it is; then only longer ones do.
        pace.observe(tokens: 4, nanoseconds: 40_000_000)
        #expect(pace.wait(before: 10) == .milliseconds(1))
        #expect(pace.wait(before: 1_000_000_000) == .milliseconds(3))
        #expect(pace.budget(isSomebodyWriting: true) == 16)
        pace.observe(tokens: 4, nanoseconds: 4)
        #expect(pace.wait(before: 10) == .milliseconds(1))
    }
}
