import MartletProtocol

/// A prefix that another sequence computes now. The sequence that waits for it copies it afterwards.
struct AwaitedPrefix: Sendable, Equatable {
    /// The generation whose sequence computes the prefix.
    var source: GenerationHandle
    /// The number of items of the prefix.
    var count: Int
}
