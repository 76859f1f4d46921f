import MartletJSON
import OrderedCollections

/// The rules for `messages` of a chat completion.
enum ChatMessages {
    private static let roles = ["system", "developer", "user", "assistant", "tool", "function"]

    static func validated(_ fields: FieldReader) throws(APIError) -> [JSONValue] {
        guard let messages = try fields.array("messages") else {
            throw .field("messages", "A list of messages is required, but the field is missing")
        }
        guard !messages.isEmpty else {
            throw .field("messages", "At least one message is required, but the list is empty")
        }
        var result: [JSONValue] = []
        result.reserveCapacity(messages.count)
        for (index, message) in messages.enumerated() {
            result.append(try validated(message, at: "messages[\(index)]"))
        }
        return result
    }

    private static func validated(_ message: JSONValue, at place: String) throws(APIError) -> JSONValue {
        guard case .object(var members) = message else {
            throw .field(place, "A message must be an object, but is \(message.kindName)")
        }
        guard let role = members["role"]?.stringValue, roles.contains(role) else {
            let got = members["role"].map(FieldReader.short) ?? "nothing"
            throw .field("\(place).role", "Value must be one of \(roles.joined(separator: ", ")), but got \(got)")
        }
        let hasCalls = try checkToolCalls(members, at: place)
        switch members["content"] {
        case nil, .null?:
            guard role == "assistant", hasCalls || message["reasoning_content"] != nil || message["reasoning"] != nil
            else {
                let rule =
                    role == "assistant"
                    ? "An assistant message needs content or tool_calls" : "A message of role \(role) needs content"
                throw .field("\(place).content", "\(rule), but got \(members["content"].map { $0.text } ?? "nothing")")
            }
        case .string?: break
        case .array(let parts)?: try checkParts(parts, at: "\(place).content")
        case let other?:
            throw .field("\(place).content", "Value must be a string or a list of parts, but is \(other.kindName)")
        }
        for name in ["name", "tool_call_id", "reasoning_content", "reasoning"] {
            guard let value = message[name], value.stringValue == nil else { continue }
            throw .field("\(place).\(name)", "Value must be a string, but is \(value.kindName)")
        }
        if let reasoning = members.removeValue(forKey: "reasoning"), members["reasoning_content"] == nil {
            members["reasoning_content"] = reasoning
        }
        return .object(members)
    }

    private static func checkParts(_ parts: [JSONValue], at place: String) throws(APIError) {
        for (index, part) in parts.enumerated() {
            let place = "\(place)[\(index)]"
            guard case .object = part else { throw .field(place, "A part must be an object, but is \(part.kindName)") }
            switch part["type"]?.stringValue {
            case "text"?:
                guard part["text"]?.stringValue != nil else { throw .field("\(place).text", "A string is required") }
            case "image_url"?, "input_audio"?, "input_video"?, "video_url"?, "file"?:
                throw APIError(
                    .notSupported,
                    "Field '\(place).type': \(FieldReader.short(part["type"] ?? .null)) input is not supported by this version",
                    parameter: "\(place).type")
            default:
                let got = part["type"].map(FieldReader.short) ?? "nothing"
                throw .field("\(place).type", "Value must be \"text\", but got \(got)")
            }
        }
    }

    /// Returns whether there are any.
    private static func checkToolCalls(_ members: JSONObject, at place: String) throws(APIError) -> Bool {
        guard let value = members["tool_calls"], value != .null else { return false }
        let place = "\(place).tool_calls"
        guard let calls = value.arrayValue else {
            throw .field(place, "Value must be an array, but is \(value.kindName)")
        }
        for (index, call) in calls.enumerated() {
            guard let function = call["function"], function["name"]?.stringValue != nil else {
                throw .field("\(place)[\(index)].function.name", "A string is required")
            }
            switch function["arguments"] {
            case nil, .string?, .object?: break
            case let other?:
                throw .field(
                    "\(place)[\(index)].function.arguments",
                    "Value must be a string or an object, but is \(other.kindName)")
            }
        }
        return !calls.isEmpty
    }
}
