import MartletJSON
import MartletStreams

/// The typed parts of a content in one dialect: which types are texts, and which ones this version refuses.
///
/// Messages of chats, inputs of embeddings, items of Responses and blocks of Messages have such parts.
struct ContentParts: Sendable {
    /// The dialect's word for a part, with its article, and for an unsupported one.
    let noun: (singular: String, unsupported: String)
    /// The types of texts, each with the path of its text within the part.
    let texts: [(type: String, path: [String])]
    /// Types that the dialect has and this version does not support.
    let unsupported: Set<String>
    /// The rule of `type`, for messages.
    let rule: String

    /// The parts of OpenAI's chats, and of the inputs of embeddings.
    static let chat = ContentParts(
        noun: ("A part", "input"), texts: [("text", ["text"])],
        unsupported: ["image_url", "input_audio", "input_video", "video_url", "file"], rule: "Value must be \"text\"")

    /// The parts of OpenAI's Responses.
    static let responses = ContentParts(
        noun: ("A part", "input"),
        texts: [("input_text", ["text"]), ("output_text", ["text"]), ("text", ["text"]), ("refusal", ["refusal"])],
        unsupported: ["input_image", "input_file", "input_audio", "computer_screenshot"],
        rule: "Value must be \"input_text\" or \"output_text\"")

    /// The blocks of Anthropic's Messages. A document is a text if its source is one.
    static let blocks = ContentParts(
        noun: ("A block", "blocks"), texts: [("text", ["text"])],
        unsupported: [
            "image", "document", "search_result", "container_upload", "server_tool_use", "web_search_tool_result",
        ],
        rule: "Value must be the type of a block, such as \"text\"")

    /// The text of a part.
    /// - Throws: `invalidRequest` or `notSupported` that names the member, the rule and the value.
    func text(of part: JSONValue, at location: String) throws(APIError) -> String {
        guard case .object = part else {
            throw .field(location, "\(noun.singular) must be an object, but is \(part.kindName)")
        }
        let type = part["type"]?.stringValue
        if type == "document", part["source"]?["type"] == "text", unsupported.contains("document") {
            return try Self.text(part, ["source", "data"], at: location)
        }
        if let own = texts.first(where: { $0.type == type }) { return try Self.text(part, own.path, at: location) }
        if let type, unsupported.contains(type) {
            throw APIError(
                .notSupported,
                "Field '\(location).type': \(FieldReader.short(.string(type))) \(noun.unsupported)"
                    + (noun.unsupported == "blocks" ? " are" : " is") + " not supported by this version",
                field: "\(location).type")
        }
        let got = part["type"].map(FieldReader.short) ?? "nothing"
        throw .field("\(location).type", "\(rule), but got \(got)")
    }

    private static func text(_ part: JSONValue, _ path: [String], at location: String) throws(APIError) -> String {
        var value: JSONValue? = part
        for name in path { value = value?[name] }
        guard let text = value?.stringValue else {
            throw .field("\(location).\(path.joined(separator: "."))", "A string is required")
        }
        return text
    }

    /// The texts of all parts.
    /// - Parameter location: the path of the list, for messages.
    func texts(of parts: [JSONValue], at location: String) throws(APIError) -> [String] {
        var texts: [String] = []
        for (index, part) in parts.enumerated() { texts.append(try text(of: part, at: "\(location)[\(index)]")) }
        return texts
    }
}
