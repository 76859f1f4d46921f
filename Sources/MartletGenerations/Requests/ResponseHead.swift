/// The members that are the same in every chunk of one response. They are fixed at admission.
package struct ResponseHead: Sendable, Equatable {
    /// The response's id with its prefix, such as `chatcmpl-…`.
    package var id: String
    /// Seconds since 1970.
    package var created: Int
    /// The server's name of the model.
    package var model: String
    /// The build that made the response.
    package var fingerprint: String
    /// One sentence for each part of the request that has no effect.
    package var warnings: [String]
    /// Whether the model's template demands short ids of tool calls.
    package var hasShortCallIDs: Bool
    /// The tokens that end an output of the model, as far as they were known at admission.
    package var endTokens: [Int32]

    /// Whether the response has a member `service_tier`, because its request has one.
    package var namesServiceTier = false

    /// Makes a head; the core does so at admission, for a fork, and at recovery.
    package init(
        id: String, created: Int, model: String, fingerprint: String, warnings: [String] = [],
        hasShortCallIDs: Bool = false, endTokens: [Int32] = []
    ) {
        self.id = id
        self.created = created
        self.model = model
        self.fingerprint = fingerprint
        self.warnings = warnings
        self.hasShortCallIDs = hasShortCallIDs
        self.endTokens = endTokens
    }
}
