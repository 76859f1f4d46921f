/// How the KV cache serves a request: the part that a client chooses, apart from `reusesPrompt`.
///
/// `reusesPrompt` decides about reading the cache, `retention` about the state that the request leaves behind. Every
/// combination is valid.
package struct CacheParameters: Sendable, Equatable {
    /// The future of a request's computed tokens after its end. The raw values are part of frames.
    package enum Retention: UInt8, Sendable, CaseIterable {
        /// The cache drops them first: a single request evicts no conversation.
        case none = 0
        /// The cache retains them and evicts the least recently used ones.
        case normal = 1
        /// Like `normal`, and the prompt up to its last pinned boundary is not evicted while the quota of pins lasts.
        /// Without a pinned boundary the whole prompt is pinned.
        case pinned = 2
    }
    package var retention = Retention.normal
    /// The pinned prefix that the request computes or names; `nil` = none. A request that names a prefix counts as a
    /// hit of it if it reuses any of its tokens.
    package var prefix: PinnedPrefixID?
    /// Whether the summary contains a `CacheReport`.
    package var isExplained = false
    /// The smallest run of cached tokens that is moved to another position and reused there; 0 = none is moved.
    ///
    /// A moved token keeps the values that it got behind other tokens, so the output approximates that of a computed
    /// prompt. Memory that cannot be shifted ignores the value.
    package var shiftLength = 0

    /// The parameters of a request that leaves every optional field out.
    package init() {}
}

/// Identifies a pinned prefix at an engine. The edge derives it from the owner and the name.
package struct PinnedPrefixID: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The keys that follow from the owner of a request: for cached prefixes, and for a fair share of the engine.
package struct TenantKeys: Sendable, Equatable {
    /// Requests of different scopes never reuse each other's tokens, evict each other's pins, or appear in each
    /// other's reports. 0 = the scope of all owners together.
    package var cacheScope: UInt64 = 0
    /// Requests with the same key share one fair part of the engine. 0 = the key of all owners without API keys.
    package var fairShare: UInt64 = 0

    /// The keys of a server without API keys.
    package init() {}

    /// The keys of one owner.
    package init(cacheScope: UInt64, fairShare: UInt64) {
        self.cacheScope = cacheScope
        self.fairShare = fairShare
    }
}

/// The order in which requests get slots.
package enum RequestPriority {
    /// A larger number is served sooner. 0 is the default.
    package static let range = -10...10
}
