import Testing

@testable import MartletCommands

@Suite struct ConnectionBudgetTests {
    @Test(
        arguments: [
            (8 << 30, 1 << 20, 16_384), (8 << 30, 4_544, 4_096), (512 << 20, 1 << 20, 1_024), (nil, 1 << 20, 4_096),
            (nil, 1_024, 704), (nil, 0, 4_096), (0, 1 << 20, 16), (.max, .max, 1 << 20),
        ] as [(Int?, Int, Int)])
    func memoryAndDescriptorsBoundConnections(memory: Int?, descriptors: Int, count: Int) {
        let budget = DescriptorBudget(limit: descriptors)
        #expect(ConnectionBudget.connections(memory: memory, descriptors: budget) == count)
    }
}
