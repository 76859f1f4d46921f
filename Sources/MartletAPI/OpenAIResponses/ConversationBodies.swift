package import MartletGenerations
package import MartletJSON
import MartletStreams
import OrderedCollections

/// Requests and bodies of `/v1/conversations`.
package enum ConversationBodies {
    /// The prefix of a conversation's id.
    package static let idPrefix = "conv_"
    /// The most items that one request adds.
    package static let additionLimit = 1_000

    /// The object of a conversation.
    package static func object(_ conversation: StoredConversation) -> JSONValue {
        [
            "id": .string(idPrefix + conversation.id), "object": "conversation",
            "created_at": .integer(conversation.created), "metadata": .object(conversation.metadata),
        ]
    }

    /// The object of a deletion.
    package static func deleted(_ id: String) -> JSONValue {
        ["id": .string(id), "object": "conversation.deleted", "deleted": true]
    }

    /// Reads `items` of a request.
    ///
    /// - Parameters:
    ///   - earlier: the items of the conversation, which new results of calls refer to.
    ///   - makeID: makes the id of an item without one.
    /// - Returns: the items with ids; empty if the field is absent.
    /// - Throws: `invalidRequest` that names the item, the rule and the value.
    package static func items(
        _ fields: FieldReader, after earlier: [JSONObject], makeID: () -> String
    ) throws(APIError) -> [JSONObject] {
        let values = try fields.array("items") ?? []
        guard values.count <= additionLimit else {
            throw .field("items", "At most \(additionLimit) items are allowed in one request, but got \(values.count)")
        }
        var reader = ResponseItemReader()
        for (index, item) in earlier.enumerated() { try reader.read(.object(item), at: "conversation[\(index)]") }
        var ids = Set(earlier.compactMap { $0["id"]?.stringValue })
        var items: [JSONObject] = []
        for (index, value) in values.enumerated() {
            try reader.read(value, at: "items[\(index)]")
            var members: JSONObject = ["id": .string("msg_" + makeID())]
            members.merge(value.objectValue ?? [:]) { $1 }
            if members["type"] == nil { members["type"] = "message" }
            guard let id = members["id"]?.stringValue, !id.isEmpty, ids.insert(id).inserted else {
                throw .field("items[\(index)].id", "Value must be an id that no other item of the conversation has")
            }
            items.append(members)
        }
        return items
    }

    /// The items that a response adds to its conversation: those of its input, then those of its output.
    package static func items(of stored: StoredResponse) -> [JSONObject] {
        ResponseItemList.identifiedItems(of: stored).filter { !Compaction.isTrigger(.object($0)) }
    }

    /// The id of the conversation that a request belongs to, without its prefix; nil if it names none.
    package static func id(in json: JSONValue) throws(APIError) -> String? {
        let fields = try FieldReader(json)
        let given: String?
        switch fields.value("conversation") {
        case nil: return nil
        case .string(let id)?: given = id
        case .object?: given = try fields.object("conversation")?.string("id")
        case let other?: throw fields.mismatch("conversation", "a string or an object with an id", other)
        }
        guard let given else {
            throw .field("conversation.id", "The id of a conversation is required, but the field is missing")
        }
        return digits(of: given)
    }

    /// An id without its prefix.
    package static func digits(of id: String) -> String {
        id.utf8.starts(with: idPrefix.utf8) ? String(id.dropFirst(idPrefix.count)) : id
    }
}
