/// The place from which cached tokens came. The raw values are part of frames.
package enum CacheTier: UInt8, Sendable, CaseIterable {
    /// The context of libllama.
    case kvCache = 0
    /// Saved states in the memory of the host.
    case ram = 1
    /// Saved states in files.
    case disk = 2
}

/// Why a request reused as many tokens as it did. An engine makes it if the request asks for it.
package struct CacheReport: Sendable, Equatable {
    /// The reason why no more tokens were reused. The raw values are part of frames.
    package enum Reason: UInt8, Sendable, CaseIterable {
        /// Nothing was left to reuse: every token except those whose logits are needed came from the cache.
        case complete = 0
        /// No prompt that begins with the same token is cached in the scope of the request.
        case empty = 1
        /// The nearest cached prompt ends where the new tokens begin.
        case extended = 2
        /// The nearest cached prompt has another token at `difference`.
        case differs = 3
        /// The request does not read the cache (`cache_prompt: false`, or it asks for logprobs of the prompt).
        case notRead = 4
        /// The nearest cached prompt has more tokens in common, but its state can only be restored at an earlier
        /// checkpoint.
        case noCheckpoint = 5
        /// The nearest cached prompt was computed with other adapters.
        case otherAdapters = 6
        /// Tokens at the end of a batch are computed again, so that results do not depend on the cache.
        case alignment = 7
    }

    /// The first token at which the prompt differs from the nearest cached prompt.
    package struct Difference: Sendable, Equatable {
        /// The index of the token in the prompt.
        package var index: Int
        /// The text of the prompt's token, with a few tokens behind it.
        package var promptText: String
        /// The text of the cached token, with a few tokens behind it.
        package var cachedText: String

        package init(index: Int, promptText: String, cachedText: String) {
            self.index = index
            self.promptText = promptText
            self.cachedText = cachedText
        }
    }

    /// The reuse of tokens at other positions.
    package struct Shift: Sendable, Equatable {
        /// The prompt tokens whose cached values were moved to another position.
        package var tokens: Int
        /// Whether the memory of the model can be shifted.
        package var isPossible: Bool

        package init(tokens: Int, isPossible: Bool) {
            self.tokens = tokens
            self.isPossible = isPossible
        }
    }

    package var reason: Reason
    /// The tokens that the prompt has in common with the nearest cached prompt; at least the reused ones.
    package var matchedTokens: Int
    /// The tier of the reused tokens; `nil` if none were reused.
    package var tier: CacheTier?
    /// Whether the state was restored from a checkpoint.
    package var usesCheckpoint = false
    /// The pinned prefix that contains the reused tokens; `nil` if there is none.
    package var prefix: PinnedPrefixID?
    /// `nil` unless the reason is `differs`.
    package var difference: Difference?
    /// `nil` unless the request allows that tokens are moved.
    package var shift: Shift?

    package init(_ reason: Reason, matchedTokens: Int, tier: CacheTier? = nil) {
        self.reason = reason
        self.matchedTokens = matchedTokens
        self.tier = tier
    }
}
