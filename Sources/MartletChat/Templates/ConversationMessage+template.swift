package import MartletConversation
package import MartletJSON
import OrderedCollections

/// Messages as chat templates read them: objects with the members that Hugging Face's templates use.
///
/// Example: a call and reasoning become `{"role": "assistant", "content": "", "reasoning_content": "…",
/// "tool_calls": [{"id": …, "type": "function", "function": {"name": …, "arguments": …}}]}`.
extension ConversationMessage {
    /// The message for a template. `MessageAdapter` then adapts it to what the model's own template accepts.
    ///
    /// - Complexity: linear in the size of the message.
    package var templateForm: JSONValue {
        var members: JSONObject = ["role": .string(role.rawValue)]
        if let name { members["name"] = .string(name) }
        if let result = toolResults.first {
            members["content"] = Self.content(of: result.content, isPlain: result.isPlain)
            if let id = result.callID { members["tool_call_id"] = .string(id) }
        } else {
            members["content"] = Self.content(of: parts, isPlain: isPlain)
        }
        if let reasoning { members["reasoning_content"] = .string(reasoning) }
        let calls = toolCalls
        if !calls.isEmpty { members["tool_calls"] = .array(calls.map(\.templateForm)) }
        members.merge(templateMembers) { own, _ in own }
        return .object(members)
    }

    /// The content as one text, or as a list of parts.
    private static func content(of parts: [ConversationPart], isPlain: Bool) -> JSONValue {
        if isPlain {
            return .string(parts.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined())
        }
        return .array(
            parts.compactMap { part in
                switch part {
                case .text(let text): ["type": "text", "text": .string(text)]
                case .media(let media): ["type": .string(media.kind.rawValue)]
                case .reasoning, .toolCall, .toolResult: nil
                }
            })
    }
}

extension ToolCallPart {
    /// The call as an element of `tool_calls`.
    fileprivate var templateForm: JSONValue {
        let argumentsForm: JSONValue =
            switch arguments {
            case .text(let text): .string(text)
            case .object(let members): .object(members)
            }
        var members: JSONObject = [:]
        if let id { members["id"] = .string(id) }
        members["type"] = "function"
        members["function"] = ["name": .string(name), "arguments": argumentsForm]
        members.merge(templateMembers) { own, _ in own }
        return .object(members)
    }
}
