package import MartletGenerations
package import MartletJSON
import MartletStreams
import OrderedCollections

/// The input items of a stored response, as a list with pages.
package enum ResponseItemList {
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

    /// Input items with ids. An item without one gets the beginning of the response's id and its number.
    private static func identified(_ items: [JSONValue], response: String) -> [JSONObject] {
        let digits = response.split(separator: "_").last.map { $0.prefix(idDigits) } ?? ""
        return items.enumerated().map { index, item in
            var members: JSONObject = item["id"] == nil ? ["id": .string("msg_\(digits)i\(index)")] : [:]
            members.merge(item.objectValue ?? [:]) { own, _ in own }
            if members["type"] == nil { members["type"] = "message" }
            return members
        }
    }

    // MARK: References

    /// The number of digits of a response's id that the ids of its items begin with.
    private static let idDigits = 24

    /// The items of an input that only name a stored item: their positions and these names.
    package static func references(in body: JSONValue) -> [(index: Int, id: String)] {
        (body["input"]?.arrayValue ?? []).enumerated().compactMap { index, item in
            guard item["type"] == "item_reference", let id = item["id"]?.stringValue else { return nil }
            return (index, id)
        }
    }

    /// The beginning of the id of the response that has an item; nil if another server made the item's id.
    package static func responseDigits(ofItem id: String) -> String? {
        guard let random = id.split(separator: "_").last?.prefix(idDigits), random.utf8.count == idDigits,
            random.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return String(random)
    }

    /// The item of a stored response with an id; nil if it has none.
    package static func item(_ id: String, of stored: StoredResponse) -> JSONValue? {
        identifiedItems(of: stored).first { $0["id"] == .string(id) }.map { .object($0) }
    }

    /// The items of the request and of the output, each with an id.
    static func identifiedItems(of stored: StoredResponse) -> [JSONObject] {
        identified(items(of: stored.request), response: stored.id)
            + (stored.response["output"]?.arrayValue ?? []).compactMap(\.objectValue)
    }

    /// A request with other items at some positions of its input.
    package static func replacing(_ items: [Int: JSONValue], in body: JSONValue) -> JSONValue {
        guard var members = body.objectValue, var input = body["input"]?.arrayValue else { return body }
        for (index, item) in items where input.indices.contains(index) { input[index] = item }
        members["input"] = .array(input)
        return .object(members)
    }

    /// A page of the input items. An item without an id gets one.
    /// - Parameter response: the id of the response.
    package static func page(
        of body: JSONValue, response: String, _ query: PageQuery
    ) throws(APIError) -> JSONValue {
        try query.page(of: identified(items(of: body), response: response))
    }
}
