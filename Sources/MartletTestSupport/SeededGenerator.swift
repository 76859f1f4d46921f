/// A generator whose numbers are the same in every run: SplitMix64, by Sebastiano Vigna (public domain algorithm).
package struct SeededGenerator: RandomNumberGenerator {
    /// The sum of all increments so far. The output is a mix of it.
    private var state: UInt64

    /// Equal seeds give equal numbers on all platforms.
    package init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// One of the elements.
    /// - Precondition: There is at least one.
    package mutating func element<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}
