import Testing

@testable import MartletCommands

/// How descriptors are divided.
@Suite struct DescriptorBudgetTests {
    @Test(arguments: [1, 17, 64, 100, 256, 1_024, 4_543, 4_544, 65_536, 1 << 20])
    func connectionsAndJournalsStayWithinTheLimit(limit: Int) {
        let budget = DescriptorBudget(limit: limit)
        #expect(budget.connections >= 1 && budget.extraConnections >= 1 && budget.journals >= 1)
        if limit > 90 { #expect(budget.connections + budget.extraConnections + budget.journals < limit) }
        #expect(budget.journals <= 128)
    }

    @Test func theWarningNamesTheEffectiveLimit() throws {
        #expect(DescriptorBudget(limit: 4_544).warning(connections: 4_096) == nil)
        let line = try #require(DescriptorBudget(limit: 4_543).warning(connections: 4_096))
        for part in ["4543 descriptors", "--max-connections 4096", "at most 4095", "ulimit -Hn"] {
            #expect(line.contains(part), "\(line)")
        }
        #expect(DescriptorBudget(limit: 1_024).warning(connections: 704) == nil)
        #expect(DescriptorBudget(limit: 1_024).warning(connections: 705)?.contains("at most 704") == true)
    }
}
