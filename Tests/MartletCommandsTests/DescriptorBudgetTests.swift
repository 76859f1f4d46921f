import Testing

@testable import MartletCommands

/// What descriptors are enough for.
@Suite struct DescriptorBudgetTests {
    @Test(arguments: [1, 17, 64, 100, 256, 1_024, 4_287, 4_288, 65_536, 1 << 20])
    func connectionsAndJournalsNeverTakeMoreThanThereAre(limit: Int) {
        let budget = DescriptorBudget(limit: limit)
        #expect(budget.connections >= 1 && budget.journals >= 1)
        if limit > 80 { #expect(budget.connections + budget.journals < limit) }
        #expect(budget.journals <= 128)
    }

    @Test func theLineSaysWhatIsTakenInstead() throws {
        #expect(DescriptorBudget(limit: 4_288).warning(connections: 4_096) == nil)
        let line = try #require(DescriptorBudget(limit: 4_287).warning(connections: 4_096))
        for part in ["4287 descriptors", "--max-connections 4096", "at most 4095", "ulimit -Hn"] {
            #expect(line.contains(part), "\(line)")
        }
        #expect(DescriptorBudget(limit: 1_024).warning(connections: 832) == nil)
        #expect(DescriptorBudget(limit: 1_024).warning(connections: 833)?.contains("at most 832") == true)
    }
}
