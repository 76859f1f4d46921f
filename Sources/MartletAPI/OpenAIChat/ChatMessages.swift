import MartletJSON
import OrderedCollections

/// The rules of `messages` of a chat completion.
///
/// A member that is `null` counts as absent. So the complete dump of a client library is accepted, and a client can
/// send
/// a response's message back unchanged.
enum ChatMessages {
    /// Templates of models decide which of these roles they render.
    private static let roles = ["system", "developer", "user", "assistant", "tool", "function"]

    /// - Returns: the messages in the form in which templates see them.
    /// - Throws: `invalidRequest` that names the message, the rule and the value.
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

    /// Validates one message. `reasoning` becomes `reasoning_content`, the name that templates use.
    private static func validated(_ message: JSONValue, at location: String) throws(APIError) -> JSONValue {
        guard case .object(let given) = message else {
            throw .field(location, "A message must be an object, but is \(message.kindName)")
        }
        guard let role = message["role"]?.stringValue, roles.contains(role) else {
            let got = message["role"].map(FieldReader.short) ?? "nothing"
            throw .field("\(location).role", "Value must be one of \(roles.joined(separator: ", ")), but got \(got)")
        }
        // Most messages are passed on without a copy.
        var members = given.withoutNulls
        if let calls = members["tool_calls"] {
            switch try ToolCallFields.check(calls, at: "\(location).tool_calls") {
            case .none: members["tool_calls"] = nil
            case .unchanged: break
            case .changed(let calls): members["tool_calls"] = .array(calls)
            }
        }
        // Members with a fixed type. Other members are passed to the template unchecked.
        for name in ["name", "tool_call_id", "reasoning_content", "reasoning", "refusal"] {
            guard let value = members[name], value.stringValue == nil else { continue }
            throw .field("\(location).\(name)", "Value must be a string, but is \(value.kindName)")
        }
        if let reasoning = members["reasoning"] {
            members["reasoning"] = nil
            if members["reasoning_content"] == nil { members["reasoning_content"] = reasoning }
        }
        switch members["content"] {
        case nil:
            members["content"] = try missingContent(members, isNull: given["content"] == .null, role, at: location)
        case .string?: break
        case .array(let parts)?:
            if let parts = try changed(parts, role, at: "\(location).content") { members["content"] = .array(parts) }
        case let other?:
            throw .field("\(location).content", "Value must be a string or a list of parts, but is \(other.kindName)")
        }
        return .object(members)
    }

    /// The content of a message without one.
    /// - Parameter isNull: whether the client sent `null`, which stands for the empty text.
    private static func missingContent(
        _ members: JSONObject, isNull: Bool, _ role: String, at location: String
    ) throws(APIError) -> JSONValue {
        let isAssistant = role == "assistant"
        if isAssistant, let refusal = members["refusal"] { return refusal }
        let hasOtherParts = isAssistant && (members["tool_calls"] != nil || members["reasoning_content"] != nil)
        guard isNull || hasOtherParts else {
            throw .field(
                "\(location).content",
                isAssistant
                    ? "An assistant message needs content, tool_calls or reasoning_content, but got nothing"
                    : "A message of role \(role) needs content, but got nothing")
        }
        return ""
    }

    /// The parts with OpenAI's refusals replaced by texts; nil if there are none.
    private static func changed(
        _ parts: [JSONValue], _ role: String, at location: String
    ) throws(APIError) -> [JSONValue]? {
        var result: [JSONValue]?
        for (index, part) in parts.enumerated() {
            if role == "assistant", part["type"] == "refusal", let text = part["refusal"]?.stringValue {
                result = result ?? parts
                result?[index] = ["type": "text", "text": .string(text)]
            } else {
                _ = try ContentParts.text(of: part, at: "\(location)[\(index)]")
            }
        }
        return result
    }
}
