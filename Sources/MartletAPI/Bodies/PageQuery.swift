package import MartletJSON
import MartletStreams
import MartletText
import OrderedCollections

/// The part of a list that a client asks for, as OpenAI's lists have it.
package struct PageQuery: Sendable, Equatable {
    /// The most items of a page.
    package var limit = 20
    /// Whether the newest item comes first.
    package var isDescending: Bool
    /// The id of the item before the page; nil = the page is the first one.
    package var after: String?

    /// Makes a query of the parameters of a request.
    /// - Parameter isDescending: the order of a request without `order`.
    /// - Throws: `invalidRequest` that names the parameter, the rule and the value.
    package init(limit: Int?, order: String?, after: String?, isDescending: Bool = true) throws(APIError) {
        self.isDescending = isDescending
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
                    "Parameter 'order': Value must be asc or desc, but got \"\(order.excerpt(bytes: 64))\"",
                    field: "order")
            }
            self.isDescending = order == "desc"
        }
        self.after = after
    }

    /// The page of a list whose items have ids.
    /// - Parameter items: all items, the oldest first.
    /// - Throws: `invalidRequest` if `after` names no item.
    package func page(of items: [JSONObject]) throws(APIError) -> JSONValue {
        var items = isDescending ? items.reversed() : items
        if let after {
            guard let index = items.firstIndex(where: { $0["id"] == .string(after) }) else {
                throw APIError(
                    .invalidRequest,
                    "Parameter 'after': Value must be the id of an item, but got \"\(after.excerpt(bytes: 64))\"",
                    field: "after")
            }
            items.removeFirst(index + 1)
        }
        return Self.list(Array(items.prefix(limit)), hasMore: items.count > limit)
    }

    /// A page as a list object.
    package static func list(_ page: [JSONObject], hasMore: Bool) -> JSONValue {
        [
            "object": "list", "data": .array(page.map { .object($0) }), "first_id": page.first?["id"] ?? .null,
            "last_id": page.last?["id"] ?? .null, "has_more": .bool(hasMore),
        ]
    }
}
