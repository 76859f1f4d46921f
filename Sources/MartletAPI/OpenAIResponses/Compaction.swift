package import MartletJSON
import MartletStreams
import MartletText
import OrderedCollections

/// The compaction of a conversation: the model writes a summary, and an item with it replaces the older items.
///
///     {"type": "compaction_trigger"}                                    the last item of an input asks for a summary
///     {"type": "compaction", "encrypted_content": "martlet1s.…"}        an item has the summary
///
/// A compaction is a response like all others, so it streams, resumes and is cancelled as they are. The shapes are those
/// of OpenAI's Python library 3.57 (`CompactedResponse`, `ResponseCompactionItem`, `CompactionTrigger`).
package enum Compaction {
    /// The type of the item that asks for a summary.
    static let triggerType = "compaction_trigger"
    /// The types of items with a summary: the type of OpenAI's API, and the types that Codex reads and writes.
    static let itemTypes: Set<String> = ["compaction", "compaction_summary", "context_compaction"]
    /// The most tokens of a summary, unless the request has a limit.
    private static let tokenLimit: Int64 = 4_096

    /// The message of the user that asks for the summary.
    static let question = """
        Summarize the conversation above, so that another assistant can continue it without its messages. Include the \
        wishes of the user, decisions with their reasons, facts, names, paths and numbers, the state of the work, and \
        the steps that remain. Write the summary only.
        """

    /// Whether the last item of a request's input asks for a summary.
    static func isRequested(_ body: JSONValue) -> Bool { isTrigger(body["input"]?.arrayValue?.last) }

    /// Whether an item asks for a summary.
    static func isTrigger(_ item: JSONValue?) -> Bool { item?["type"]?.stringValue == triggerType }

    /// A request for a summary as it is read: without calls and without a form of the output.
    ///
    /// The tools themselves stay, because they are part of the prompt that the KV cache has.
    static func plain(_ body: JSONValue) -> JSONValue {
        guard isRequested(body), var members = body.objectValue else { return body }
        members["tool_choice"] = "none"
        members["text"] = nil
        if body["max_output_tokens"] == nil { members["max_output_tokens"] = .integer(tokenLimit) }
        return .object(members)
    }

    /// The items that a later request of a chain or a conversation has in front of its input.
    ///
    /// In front of the newest summary only messages of the user remain, which a summary does not replace.
    static func window(_ items: [JSONValue]) -> [JSONValue] {
        let items = items.filter { !isTrigger($0) }
        guard let newest = items.lastIndex(where: { itemTypes.contains($0["type"]?.stringValue ?? "") }) else {
            return items
        }
        return items[..<newest].filter(isFromUser) + items[newest...]
    }

    private static func isFromUser(_ item: JSONValue) -> Bool {
        item["role"]?.stringValue == "user" && item["type"]?.stringValue ?? "message" == "message"
    }

    // MARK: The route

    /// The request of `POST /v1/responses/compact` as a request for a response.
    ///
    /// - Throws: `invalidRequest` if the request asks for a stream or a background response.
    package static func request(_ json: JSONValue) throws(APIError) -> JSONValue {
        let fields = try FieldReader(json)
        for name in ["stream", "background"] where try fields.bool(name) == true {
            throw .field(name, "Value must be false or absent for a compaction, but got true")
        }
        guard fields.value("conversation") == nil else {
            throw .field("conversation", "Value must be absent for a compaction; \"previous_response_id\" is possible")
        }
        guard var members = json.objectValue else { return json }
        var items = ResponseItemList.items(of: json)
        if case .some(let value) = fields.value("input"), value.stringValue == nil, value.arrayValue == nil {
            throw .field("input", "Value must be a string or a list of items, but is \(value.kindName)")
        }
        guard !items.isEmpty || fields.value("previous_response_id") != nil else {
            throw .field("input", "A text or a list of at least one item is required, but got nothing")
        }
        if !isTrigger(items.last) { items.append(["type": .string(triggerType)]) }
        members["input"] = .array(items)
        members["store"] = false
        // A summary needs no reasoning; the request may ask for it.
        if json["reasoning"] == nil { members["reasoning"] = ["effort": "none"] }
        return .object(members)
    }

    /// The body of the route's response: the messages of the user, then one item with the summary.
    ///
    /// - Parameters:
    ///   - response: the object of the response that has the summary.
    ///   - items: the items that were summarized, without those in front of an older summary.
    package static func object(_ response: JSONValue, of items: [JSONValue]) -> JSONValue {
        let digits = response["id"]?.stringValue?.split(separator: "_").last.map { String($0) } ?? ""
        var output: [JSONValue] = []
        for item in window(items) where isFromUser(item) {
            var message: JSONObject = [
                "id": item["id"] ?? .string("msg_\(digits)u\(output.count)"), "type": "message", "status": "completed",
                "role": "user",
            ]
            let content = item["content"] ?? ""
            message["content"] = content.arrayValue == nil ? [["type": "input_text", "text": content]] : content
            output.append(.object(message))
        }
        let summaries = (response["output"]?.arrayValue ?? []).filter { $0["type"]?.stringValue == "compaction" }
        let texts = summaries.compactMap { $0["encrypted_content"]?.stringValue.flatMap(SealedText.summary.open) }
        let summary = texts.joined(separator: "\n\n")
        output.append([
            "id": summaries.first?["id"] ?? .string("cmp_\(digits)"), "type": "compaction",
            "encrypted_content": .string(SealedText.summary.seal(Array(summary.utf8))),
        ])
        var members: JSONObject = [
            "id": response["id"] ?? .null, "object": "response.compaction",
            "created_at": response["created_at"] ?? .null, "output": .array(output),
            "usage": response["usage"] ?? .null,
        ]
        if let warnings = response["warnings"] { members["warnings"] = warnings }
        return .object(members)
    }
}

/// A text in the form of `encrypted_content`, for clients that do not let the server store it.
///
/// The form hides nothing from its reader. A client need not understand it, and sends it back.
struct SealedText: Sendable {
    /// Begins every text. The number is the version.
    private let prefix: String

    /// The reasoning of a model.
    static let reasoning = SealedText(prefix: "martlet1.")
    /// The summary of a conversation.
    static let summary = SealedText(prefix: "martlet1s.")

    /// The text that a client sends back.
    /// - Parameter text: UTF-8.
    func seal(_ text: [UInt8]) -> String { prefix + String(decoding: Base64.encode(text), as: UTF8.self) }

    /// The text that was sealed; nil if another server made it.
    func open(_ text: String) -> String? {
        guard text.hasBytes(ofPrefix: prefix) else { return nil }
        return Base64.decode(String(text.dropFirst(prefix.count))).map { String(decoding: $0, as: UTF8.self) }
    }
}
