package import MartletGenerations
package import MartletJSON
package import MartletStreams
import OrderedCollections

/// The bodies of stored chat completions (`store: true`).
package enum StoredCompletionBodies {
    /// Fields of the request that the object of a stored completion repeats.
    private static let repeated = [
        "tools", "tool_choice", "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed",
        "response_format",
    ]

    /// The object of a completion: its response, and fields of its request.
    package static func object(_ stored: StoredResponse) -> JSONObject {
        var members = stored.response.objectValue ?? [:]
        members["metadata"] = stored.request["metadata"] ?? [:]
        for name in repeated { if let value = stored.request[name] { members[name] = value } }
        return members
    }

    /// A page of the messages of a completion's request. Each message has an id.
    package static func messages(of stored: StoredResponse, id: String, _ query: PageQuery) throws(APIError)
        -> JSONValue
    {
        let messages = stored.request["messages"]?.arrayValue ?? []
        return try query.page(
            of: messages.enumerated().map { index, message in
                var members: JSONObject = ["id": .string("\(id)-\(index)")]
                members.merge(message.objectValue ?? [:]) { own, _ in own }
                return members
            })
    }

    /// The filter of a list.
    package struct Filter: Sendable, Equatable {
        /// The name of the model; nil = any.
        package var model: String?
        /// Members of `metadata` that a completion must have.
        package var metadata: [String: String]

        /// Makes a filter of the parameters of a request.
        package init(model: String?, metadata: [String: String]) {
            self.model = model
            self.metadata = metadata
        }

        /// Whether a completion is part of the list.
        package func matches(_ stored: StoredResponse) -> Bool {
            if let model, stored.response["model"] != .string(model), stored.request["model"] != .string(model) {
                return false
            }
            return metadata.allSatisfy { stored.request["metadata"]?[$0.key] == .string($0.value) }
        }
    }

    /// The object of a deletion.
    package static func deleted(_ id: String) -> JSONValue {
        ["object": "chat.completion.deleted", "id": .string(id), "deleted": true]
    }
}

/// A chat completion can be stored; its object exists when it has ended.
extension OpenAIView: StorableView {
    /// The whole response; nil unless the generation has ended without an error.
    package func object(for events: [LogEvent], isQueued: Bool) -> [UInt8]? { try? response(for: events) }
}
