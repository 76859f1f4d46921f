import Testing

@testable import MartletCommands

@Suite struct ConnectionBudgetTests {
    @Test(
        arguments: [
            (8 << 30, 1 << 20, 16_384), (8 << 30, 4_608, 4_096), (512 << 20, 1 << 20, 1_024), (nil, 1 << 20, 4_096),
            (nil, 1_024, 512), (nil, 256, 128), (0, 1 << 20, 16), (nil, 0, 16), (.max, .max, 1 << 20),
        ] as [(Int?, Int, Int)])
    func memoryAndDescriptorsBoundConnections(memory: Int?, descriptors: Int, count: Int) {
        #expect(ConnectionBudget.connections(memory: memory, descriptors: descriptors) == count)
    }
}
