import MartletPlatform
import Testing

@testable import MartletWorkers

@Suite struct ProcessMemoryTests {
    @Test func aStatusFileOfLinuxStatesTheMemory() {
        let text = "Name:\tmartlet\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t9\n"
        #expect(ProcessMemory(status: text) == ProcessMemory(resident: 100 << 20, peak: 200 << 20))
        // A process that has ended and was not waited for has no memory.
        #expect(ProcessMemory(status: "Name:\tmartlet\nState:\tZ (zombie)\n") == nil)
        #expect(ProcessMemory(status: "") == nil)
    }

    @Test func theMemoryOfThisProcessIsKnown() throws {
        let memory = try #require(ProcessMemory(of: getpid()))
        #expect(memory.resident > 1 << 20 && memory.peak >= memory.resident)
        #expect(ProcessMemory(of: -1) == nil)
    }

    @Test func killsForMemoryAreCounted() {
        #expect(MemoryKills.count(in: "low 0\nhigh 0\nmax 3\noom 2\noom_kill 7\noom_group_kill 1\n") == 7)
        #expect(MemoryKills.count(in: "nr_free_pages 7\n") == nil)
    }
}
