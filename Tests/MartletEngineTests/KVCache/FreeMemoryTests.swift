import Testing

@testable import MartletEngine

@Suite struct FreeMemoryTests {
    /// The system's memory and the clock, as a test sets them.
    private final class Machine {
        var bytes: Int? = 1_600
        var time = MonotonicTime(nanoseconds: 0)
        var reads = 0

        func memory() -> FreeMemory {
            FreeMemory {
                self.reads += 1
                return self.bytes
            } now: {
                self.time
            }
        }
    }

    @Test func copiesAreSubtractedUntilTheyAmountToASixteenth() {
        let machine = Machine()
        var memory = machine.memory()
        #expect(memory.available(for: 40) == 1_600)
        memory.subtract(40)
        #expect(memory.available(for: 60) == 1_560)
        #expect(machine.reads == 1)
        memory.subtract(60)
        machine.bytes = 900
        #expect(memory.available(for: 1) == 900)
        #expect(machine.reads == 2)
        // The new value has the earlier copies in it.
        #expect(memory.available(for: 1) == 900)
        #expect(machine.reads == 2)
    }

    @Test func aLargeCopyIsJudgedByAFreshValue() {
        let machine = Machine()
        var memory = machine.memory()
        _ = memory.available(for: 1)
        machine.bytes = 200
        #expect(memory.available(for: 150) == 200)
    }

    @Test func theValueIsReadAgainAfterTheInterval() {
        let machine = Machine()
        var memory = machine.memory()
        _ = memory.available(for: 1)
        machine.bytes = 700
        machine.time = machine.time + FreeMemory.interval
        #expect(memory.available(for: 1) == 700)
        #expect(machine.reads == 2)
    }

    @Test func aSystemWithoutAValueIsAskedOnce() {
        let machine = Machine()
        machine.bytes = nil
        var memory = machine.memory()
        #expect(memory.available(for: 1) == .max)
        #expect(memory.available(for: 1 << 40) == .max)
        #expect(machine.reads == 1)
    }
}
