import MartletGenerations
package import MartletJSON
import MartletStreams
import OrderedCollections

/// The input items of a stored response, as a list with pages.
package enum ResponseItemList {
    /// The part of the list that a client asks for.
    package struct Query: Sendable, Equatable {
        /// The most items of a page.
        package var limit = 20
        /// Whether the newest item comes first.
        package var isDescending = true
        /// The id of the item before the page; nil = the page is the first one.
        package var after: String?

        /// Makes a query of the parameters of a request.
        /// - Throws: `invalidRequest` that names the parameter, the rule and the value.
        package init(limit: Int?, order: String?, after: String?) throws(APIError) {
            if let limit {
                guard (1...100).contains(limit) else {
                    throw APIError(
                        .invalidRequest, "Parameter 'limit': Value must be between 1 and 100, but got \(limit)",
                        field: "limit")
                }
                self.limit = limit
            }
            if let order {
                guard order == "asc" || order == "desc" else {
                    throw APIError(
                        .invalidRequest,
                        "Parameter 'order': Value must be asc or desc, but got \"\(order.prefix(64))\"",
                        field: "order")
                }
                isDescending = order == "desc"
            }
            self.after = after
        }
    }

    /// The input items of a request that was accepted. A text is one message of the user.
    package static func items(of body: JSONValue) -> [JSONValue] {
        switch body["input"] {
        case .string(let text)?:
            [["type": "message", "role": "user", "content": [["type": "input_text", "text": .string(text)]]]]
        case .array(let items)?: items
        default: []
        }
    }

    /// The items that a later request finds in front of its input: those of the request, then those of the output.
    static func items(of stored: StoredResponse) -> [JSONValue] {
        items(of: stored.request) + (stored.response["output"]?.arrayValue ?? [])
    }

    /// A page of the input items. An item without an id gets one.
    /// - Parameter response: the id of the response.
    package static func page(
        of body: JSONValue, response: String, _ query: Query
    ) throws(APIError) -> JSONValue {
        let digits = response.split(separator: "_").last.map { $0.prefix(24) } ?? ""
        var items: [JSONObject] = []
        for (index, item) in Self.items(of: body).enumerated() {
            var members: JSONObject = item["id"] == nil ? ["id": .string("msg_\(digits)i\(index)")] : [:]
            members.merge(item.objectValue ?? [:]) { own, _ in own }
            if members["type"] == nil { members["type"] = "message" }
            items.append(members)
        }
        if query.isDescending { items.reverse() }
        if let after = query.after {
            guard let index = items.firstIndex(where: { $0["id"] == .string(after) }) else {
                throw APIError(
                    .invalidRequest,
                    "Parameter 'after': Value must be the id of an item, but got \"\(after.prefix(64))\"",
                    field: "after")
            }
            items.removeFirst(index + 1)
        }
        let page = items.prefix(query.limit)
        return [
            "object": "list", "data": .array(page.map { .object($0) }), "first_id": page.first?["id"] ?? .null,
            "last_id": page.last?["id"] ?? .null, "has_more": .bool(items.count > page.count),
        ]
    }
}
