import MartletProtocol

/// Facts about a sequence that its client asks for: why its prompt was reused, and its place in the queue.
struct SequenceReports {
    /// Why so many tokens were reused; `nil` unless the request asks for it.
    var cache: CacheReport?
    /// Pinned prefixes that the prompt begins with.
    var prefixes: [PinnedPrefixID] = []
    /// The last reported number of sequences that get a slot earlier.
    var queuePosition: Int?

    /// Completes the report when the number of reused tokens is known.
    ///
    /// - Parameters:
    ///   - canCut: whether the memory of the model can be cut at any token.
    ///   - smallestRest: the number of tokens that are computed in any case (see `BatchShape`).
    mutating func complete(cachedTokens cached: Int, promptCount: Int, canCut: Bool, smallestRest: Int = 1) {
        guard var report = cache, report.reason != .notRead else { return }
        report.matchedTokens = max(report.matchedTokens, cached)
        report.tier = cached > 0 ? .kvCache : nil
        if cached > 0 { report.prefix = prefixes.first }
        // A tier below the KV cache may have what the tree lacks.
        if cached > 0, report.reason == .empty { report.reason = .extended }
        if cached >= promptCount - smallestRest {
            report.reason = .complete
        } else if !canCut, cached < report.matchedTokens {
            report.reason = .noCheckpoint
        } else if report.matchedTokens >= promptCount - 1 {
            report.reason = .alignment
        }
        if report.reason != .differs { report.difference = nil }
        cache = report
    }
}
