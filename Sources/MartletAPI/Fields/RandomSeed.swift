extension UInt64 {
    /// A seed for a request without one, from the system's random numbers.
    package static func randomSeed() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return randomSeed(using: &generator)
    }

    /// A seed below 2^53 for a request without one.
    ///
    /// A client reads the seed in the response, and sends it back to get the same output. JavaScript rounds integers
    /// from
    /// 2^53 on, so a larger seed would come back changed.
    package static func randomSeed(using generator: inout some RandomNumberGenerator) -> UInt64 {
        .random(in: 0..<(1 << 53), using: &generator)
    }
}
