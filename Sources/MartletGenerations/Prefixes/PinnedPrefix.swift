package import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A named beginning of prompts that an owner wants to remain in the KV cache.
package struct PinnedPrefix: Sendable, Equatable {
    /// Where the computation of a prefix stands.
    package enum State: Sendable, Equatable {
        /// The engine computes it, or will when the model is ready.
        case computing
        case ready
        /// The prefix does not fit the model that runs now.
        case failed(String)
    }
    package let id: PinnedPrefixID
    package let owner: Owner
    package let name: String
    /// The client's definition: the body of its request.
    package let body: JSONValue
    /// Seconds since 1970.
    package let created: Int64
    /// The length in tokens, by the model that runs now or ran last.
    package var tokens: Int
    package var state = State.computing

    /// Makes a prefix that is not computed yet.
    package init(
        id: PinnedPrefixID, owner: Owner, name: String, body: JSONValue, created: Int64, tokens: Int
    ) {
        self.id = id
        self.owner = owner
        self.name = name
        self.body = body
        self.created = created
        self.tokens = tokens
    }
}
