extension UInt64 {
    /// A seed for a request that names none: below 2^53, so that each reader of JSON shows it exactly and it can be sent
    /// back.
    package static func randomSeed() -> UInt64 { .random(in: 0..<(1 << 53)) }
}
