package import MartletGenerations
package import MartletJSON
import MartletProtocol
import OrderedCollections

/// JSON of the routes for pinned prefixes.
package enum PrefixBodies {
    /// Reads a definition: the fields of a chat with `messages`, or `prompt`.
    /// - Throws: the error that a completion with these fields would get.
    package static func definition(
        _ json: JSONValue, defaults: CompletionDefaults
    ) throws(APIError) -> PrefixDefinition {
        let fields = try FieldReader(json)
        switch (fields.value("messages"), fields.value("prompt")) {
        case (_?, nil): return .chat(try ChatCompletionRequest(json, defaults: defaults, randomSeed: 0))
        case (nil, let prompt?): return .prompt(try PromptFields.one(prompt, name: "prompt"))
        case (_?, _?): throw .field("prompt", "Only one of 'messages' and 'prompt' is allowed, but got both")
        case (nil, nil): throw .field("messages", "One of 'messages' and 'prompt' is required, but got neither")
        }
    }

    /// One prefix.
    /// - Parameter now: seconds since 1970.
    package static func prefix(_ listing: PrefixService.Listing, now: Int64) -> JSONValue {
        let (prefix, status) = (listing.prefix, listing.status)
        // An engine that does not know the size reports 0.
        let size = status?.byteCount ?? 0
        let bytes: JSONValue = size > 0 ? .integer(Int64(clamping: size)) : .null
        var members: JSONObject = [
            "object": "prefix", "name": .string(prefix.name), "created": .integer(prefix.created),
            "state": .string(word(for: prefix.state)), "tokens": .integer(Int64(prefix.tokens)),
            "bytes": bytes,
            "tier": status?.tier.map { .string($0.word) } ?? .null,
            "hits": .integer(Int64(clamping: status?.hits ?? 0)),
            "last_used": (status?.idleTime).map { .integer(now - $0.components.seconds) } ?? .null,
        ]
        if case .failed(let reason) = prefix.state { members["error"] = .string(reason) }
        return .object(members)
    }

    /// All prefixes of an owner, and their quota.
    package static func list(
        _ listings: [PrefixService.Listing], tokenLimit: Int, now: Int64
    ) -> JSONValue {
        [
            "object": "list", "data": .array(listings.map { prefix($0, now: now) }),
            "tokens": .integer(Int64(listings.reduce(0) { $0 + $1.prefix.tokens })),
            "max_tokens": .integer(Int64(tokenLimit)),
        ]
    }

    /// The reply to a removal.
    package static func removed(_ name: String) -> JSONValue {
        ["object": "prefix", "name": .string(name), "deleted": true]
    }

    private static func word(for state: PinnedPrefix.State) -> String {
        switch state {
        case .computing: "computing"
        case .ready: "ready"
        case .failed: "failed"
        }
    }
}

extension CacheTier {
    /// The word of the tier on the wire.
    package var word: String {
        switch self {
        case .kvCache: "kv"
        case .ram: "ram"
        case .disk: "disk"
        }
    }
}
