/// The tiers of an engine's cache and its pinned prefixes.
package struct CacheStatus: Sendable, Equatable {
    /// Every tier that the engine has, in the order of `CacheTier`.
    package var tiers: [CacheTierStatus] = []
    /// Requests that reused tokens, and requests that read the cache and found none.
    package var hits: UInt64 = 0
    package var misses: UInt64 = 0
    /// Checkpoints that exist now, in all tiers.
    package var checkpoints = 0
    /// Restored checkpoints since the start.
    package var checkpointRestores: UInt64 = 0
    package var prefixes: [PinnedPrefixStatus] = []

    package init() {}
}

/// The size and the counters of one tier. Counters are sums since the start of the engine.
package struct CacheTierStatus: Sendable, Equatable {
    package var tier: CacheTier
    /// Cached prefixes.
    package var entries = 0
    /// Tokens of these prefixes; shared tokens count once.
    package var tokens = 0
    package var byteCount: UInt64 = 0
    /// The largest size in bytes; `nil` = no limit.
    package var byteLimit: UInt64?
    /// Prompt tokens that came from this tier.
    package var reusedTokens: UInt64 = 0
    /// Prefixes that were dropped to make room.
    package var evictions: UInt64 = 0
    /// Prefixes that were dropped because their bytes or their fingerprint were wrong.
    package var damaged: UInt64 = 0

    package init(_ tier: CacheTier) { self.tier = tier }
}

/// A pinned prefix at an engine.
package struct PinnedPrefixStatus: Sendable, Equatable {
    package var id: PinnedPrefixID
    package var tokens = 0
    package var byteCount: UInt64 = 0
    /// The fastest tier that holds the whole prefix; `nil` if it must be computed again.
    package var tier: CacheTier?
    /// Requests that reused tokens of it.
    package var hits: UInt64 = 0
    /// The time since the last of them; `nil` if there was none.
    package var idleTime: Duration?

    package init(_ id: PinnedPrefixID) { self.id = id }
}
