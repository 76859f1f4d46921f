import MartletConversation
import MartletJSON
import OrderedCollections

/// The messages of a chat completion, read from OpenAI's form.
///
/// A member that is `null` counts as absent. So the complete dump of a client library is accepted, and a client can
/// send a response's message back unchanged.
enum ChatMessages {
    /// Members with a fixed type. Other members are passed to the template unchecked.
    private static let texts = ["name", "tool_call_id", "reasoning_content", "reasoning", "refusal"]

    /// - Throws: `invalidRequest` that names the message, the rule and the value.
    static func read(_ fields: FieldReader) throws(APIError) -> [ConversationMessage] {
        guard let messages = try fields.array("messages") else {
            throw .field("messages", "A list of messages is required, but the field is missing")
        }
        guard !messages.isEmpty else {
            throw .field("messages", "At least one message is required, but the list is empty")
        }
        var result: [ConversationMessage] = []
        result.reserveCapacity(messages.count)
        for (index, message) in messages.enumerated() {
            result.append(try read(message, at: "messages[\(index)]"))
        }
        return result
    }

    /// Reads one message. `reasoning` and `reasoning_content` are names of one member; the second has precedence.
    private static func read(_ json: JSONValue, at location: String) throws(APIError) -> ConversationMessage {
        guard case .object(let given) = json else {
            throw .field(location, "A message must be an object, but is \(json.kindName)")
        }
        guard let role = json["role"]?.stringValue.flatMap(ConversationMessage.Role.init) else {
            let got = json["role"].map(FieldReader.short) ?? "nothing"
            let roles = ConversationMessage.Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field("\(location).role", "Value must be one of \(roles), but got \(got)")
        }
        var members = given.withoutNulls
        members["role"] = nil
        var calls = try members.removeValue(forKey: "tool_calls").map { value throws(APIError) in
            try ToolCallFields.read(value, at: "\(location).tool_calls")
        }
        // The older form of a call.
        if let call = members.removeValue(forKey: "function_call") {
            guard let name = call["name"]?.stringValue else {
                throw .field("\(location).function_call.name", "A string is required")
            }
            let arguments = try ToolCallFields.arguments(
                call["arguments"], at: "\(location).function_call.arguments")
            calls = (calls ?? []) + [ToolCallPart(id: nil, name: name, arguments: arguments)]
        }
        for name in texts {
            guard let value = members[name], value.stringValue == nil else { continue }
            throw .field("\(location).\(name)", "Value must be a string, but is \(value.kindName)")
        }
        let alias = members.removeValue(forKey: "reasoning")?.stringValue
        let reasoning = members.removeValue(forKey: "reasoning_content")?.stringValue ?? alias
        let text = missingText(members, isNull: given["content"] == .null, role)
        let value = members.removeValue(forKey: "content") ?? text
        let hasOtherParts = role == .assistant && (reasoning != nil || calls?.isEmpty == false)
        guard value != nil || hasOtherParts else { throw lacksContent(role, at: location) }
        let (parts, isPlain) = try content(value, role, at: "\(location).content")
        var message = ConversationMessage(role, parts: [], isPlain: isPlain)
        message.name = members.removeValue(forKey: "name")?.stringValue
        if role == .tool || role == .function {
            let id = members.removeValue(forKey: "tool_call_id")?.stringValue
            message.parts = [.toolResult(ToolResultPart(callID: id, content: parts, isPlain: isPlain))]
        } else {
            message.parts = parts
        }
        if let reasoning { message.parts.insert(.reasoning(ReasoningPart(reasoning)), at: 0) }
        message.parts += (calls ?? []).map { .toolCall($0) }
        message.templateMembers = members
        return message
    }

    /// The content of a message without one: a refusal counts as the text, and `null` as the empty text.
    private static func missingText(_ members: JSONObject, isNull: Bool, _ role: ConversationMessage.Role) -> JSONValue?
    {
        if role == .assistant, let refusal = members["refusal"] { return refusal }
        return isNull ? "" : nil
    }

    private static func lacksContent(_ role: ConversationMessage.Role, at location: String) -> APIError {
        .field(
            "\(location).content",
            role == .assistant
                ? "An assistant message needs content, tool_calls or reasoning_content, but got nothing"
                : "A message of role \(role.rawValue) needs content, but got nothing")
    }

    /// The parts of a content, and whether it is one text.
    private static func content(
        _ value: JSONValue?, _ role: ConversationMessage.Role, at location: String
    ) throws(APIError) -> (parts: [ConversationPart], isPlain: Bool) {
        switch value {
        case nil: return ([], true)
        case .string(let text)?: return ([.text(text)], true)
        case .array(let values)?:
            var parts: [ConversationPart] = []
            for (index, part) in values.enumerated() {
                // OpenAI's refusals are texts.
                if role == .assistant, part["type"] == "refusal", let text = part["refusal"]?.stringValue {
                    parts.append(.text(text))
                } else {
                    parts.append(.text(try ContentParts.chat.text(of: part, at: "\(location)[\(index)]")))
                }
            }
            return (parts, false)
        case let other?:
            throw .field(location, "Value must be a string or a list of parts, but is \(other.kindName)")
        }
    }
}
