import MartletJSON
import MartletStreams

/// The rules of typed parts of a content. Messages of chats and inputs of embeddings have such parts.
enum ContentParts {
    /// The text of a part of type `text`, the only type that this version supports.
    static func text(of part: JSONValue, at location: String) throws(APIError) -> String {
        guard case .object = part else { throw .field(location, "A part must be an object, but is \(part.kindName)") }
        switch part["type"]?.stringValue {
        case "text"?:
            guard let text = part["text"]?.stringValue else { throw .field("\(location).text", "A string is required") }
            return text
        case "image_url"?, "input_audio"?, "input_video"?, "video_url"?, "file"?:
            throw APIError(
                .notSupported,
                "Field '\(location).type': \(FieldReader.short(part["type"] ?? .null)) input is not supported by this version",
                field: "\(location).type")
        default:
            let got = part["type"].map(FieldReader.short) ?? "nothing"
            throw .field("\(location).type", "Value must be \"text\", but got \(got)")
        }
    }

    /// The joined text of all parts.
    /// - Parameter location: the path of the list, for messages.
    static func joinedText(of parts: [JSONValue], at location: String) throws(APIError) -> String {
        var result = ""
        for (index, part) in parts.enumerated() { result += try text(of: part, at: "\(location)[\(index)]") }
        return result
    }
}
