/// Random numbers that are a pure function of a seed and an index.
///
/// A generation that is continued, forked or repeated samples the same tokens as the first run, without stored state.
/// The function is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied to the seed, and again with the
/// index.
enum CounterRNG {
    /// The purpose of a random number. Numbers of different purposes are independent.
    enum Purpose: UInt64 {
        case token = 0
        /// The decision of XTC whether to exclude the most likely tokens.
        case exclusion = 0x5851_F42D_4C95_7F2D
        /// The second sample after a grammar refused the first.
        case resampling = 0x2545_F491_4F6C_DD1D
    }

    /// A number with 53 random bits; 0 ≤ result < 1.
    static func uniform(seed: UInt64, index: Int, for purpose: Purpose = .token) -> Double {
        let counter = UInt64(truncatingIfNeeded: index) &+ 1
        let bits = mix(mix((seed ^ purpose.rawValue) &+ golden) &+ counter &* golden)
        return Double(bits >> 11) * 0x1p-53
    }

    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
