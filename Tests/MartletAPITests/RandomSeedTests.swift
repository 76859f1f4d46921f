import MartletAPI
import MartletGenerations
import Testing

struct RandomSeedTests {
    /// A generator that repeats the given numbers.
    private struct Draws: RandomNumberGenerator {
        let numbers: [UInt64]
        private(set) var count = 0

        init(_ numbers: [UInt64]) { self.numbers = numbers }

        mutating func next() -> UInt64 {
            defer { count += 1 }
            return numbers[count % numbers.count]
        }
    }

    @Test(
        arguments: [
            (0, 0), (1 << 11, 1), (1 << 63, 1 << 52), (.max, (1 << 53) - 1),
        ] as [(UInt64, UInt64)])
    func seedsAreBelow2To53(drawn: UInt64, seed: UInt64) {
        var draws = Draws([drawn])
        #expect(UInt64.randomSeed(using: &draws) == seed)
        // The number survives a conversion to a double, as JavaScript reads it.
        #expect(UInt64(exactly: Double(seed)) == seed && Double(seed) < 0x1p53)
    }

    @Test func eachRequestGetsANewSeed() {
        var draws = Draws([1 << 60, 1 << 61, 1 << 62])
        let seeds = (0..<3).map { _ in UInt64.randomSeed(using: &draws) }
        #expect(Set(seeds).count == 3 && draws.count == 3)
    }
}
