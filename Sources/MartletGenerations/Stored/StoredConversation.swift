package import MartletJSON
package import MartletStreams

/// A conversation that its owner reads and that later responses continue: items in their order.
package struct StoredConversation: Sendable, Equatable {
    /// 32 hexadecimal digits.
    package var id: String
    package var owner: Owner
    /// The time of creation in seconds since 1970.
    package var created: Int64
    package var metadata: JSONObject
    /// Each item has an id.
    package var items: [JSONObject]
    /// The ids of the responses whose items the conversation has. A response that was recovered is not added twice.
    package var responses: [String] = []

    /// Makes a new conversation.
    package init(id: String, owner: Owner, created: Int64, metadata: JSONObject, items: [JSONObject]) {
        self.id = id
        self.owner = owner
        self.created = created
        self.metadata = metadata
        self.items = items
    }

    /// The most items of a conversation.
    package static let itemLimit = 10_000
    /// The most bytes of a conversation, without items that were removed.
    package static let byteLimit = 16 << 20

    /// The version of the file's form. A file of a later version is no stored conversation, and is not changed.
    static let version: Int64 = 2

    /// The state of the conversation, as a line of its file has it.
    var json: JSONValue {
        [
            "version": .integer(Self.version), "id": .string(id), "owner": .string(owner.rawValue),
            "created": .integer(created), "metadata": .object(metadata),
            "responses": .array(responses.map { .string($0) }), "items": .array(items.map { .object($0) }),
        ]
    }

    /// Reads a state; nil unless it has this version.
    init?(_ json: JSONValue, version: Int64) {
        guard json["version"]?.integerValue == version, let id = json["id"]?.stringValue,
            let owner = json["owner"]?.stringValue, let created = json["created"]?.integerValue,
            let metadata = json["metadata"]?.objectValue, let items = json["items"]?.arrayValue,
            let responses = json["responses"]?.arrayValue
        else { return nil }
        self.init(
            id: id, owner: Owner(rawValue: owner), created: created, metadata: metadata,
            items: items.compactMap(\.objectValue))
        self.responses = responses.compactMap(\.stringValue)
    }
}
