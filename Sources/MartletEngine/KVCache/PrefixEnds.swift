/// The positions at which a cached prefix can be continued.
///
/// Example: a recurrent prefix of 500 items with checkpoints at 100 and 400 shares 450 items with a prompt. The prompt
/// continues at 400.
struct PrefixEnds: Sendable {
    var kind: MemoryKind
    /// The items of the prefix.
    var count: Int
    /// The item counts of its checkpoints, ascending.
    var checkpoints: [Int] = []
    /// The first position that has cells in all layers; above 0 only with a sliding window.
    var firstPosition = 0

    /// The number of items that a prompt can continue.
    ///
    /// - Parameter common: the items that the prompt shares with the prefix and may reuse.
    func usable(of common: Int) -> Int {
        guard common > 0 else { return 0 }
        if common >= count { return count }
        switch kind {
        case .attention: return common
        case .slidingWindow(let window) where firstPosition <= max(0, common - window): return common
        case .slidingWindow, .recurrent: return checkpoints.last { $0 <= common } ?? 0
        }
    }
}
