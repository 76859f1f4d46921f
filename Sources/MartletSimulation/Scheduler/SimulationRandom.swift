/// The random numbers of one part of a simulation: a stream that depends on its seed only (SplitMix64).
///
/// Each actor has a stream of its own, so that the choices of one actor stay the same when another actor is removed.
package struct SimulationRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Makes the stream of a seed.
    package init(seed: UInt64) { state = seed }

    /// Makes the stream of one part of a simulation.
    /// - Parameters:
    ///   - seed: the seed of the simulation.
    ///   - part: a number that no other part of the simulation has.
    package init(seed: UInt64, part: UInt64) {
        state = Self.mix(seed &+ Self.mix(part &+ 0x5DEE_CE66))
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A number from 0 to `limit` - 1.
    /// - Parameter limit: at least 1.
    package mutating func below(_ limit: Int) -> Int {
        Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(truncatingIfNeeded: limit)) >> 32)
    }

    /// A number of a closed range.
    package mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True in `count` of `total` cases.
    package mutating func chance(_ count: Int, of total: Int) -> Bool { below(total) < count }

    /// An element of a collection that is not empty.
    package mutating func element<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }

    /// Distributes the bits of a value over all bits of the result, one to one.
    package static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
