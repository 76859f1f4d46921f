import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections

/// Puts messages into the form that a template can take, as llama-server does, so that one client works with all
/// models.
///
/// - `developer` becomes `system` where the template has no such role.
/// - Where there is no system role either, its text goes in front of the next user message.
/// - Parts of text are joined by line feeds where parts cannot be taken; a string becomes a part where only these can.
/// - Missing content beside tool calls becomes the empty string where the template fails on none.
/// - Tool call arguments become objects, or text, where the template takes only that; of a call that was cut off, the
///   certain part.
/// - Ids of calls become short ones where the template demands that, those of their results alike.
/// - Thinking is offered under the name that the template reads, or as a part of the content.
/// - Content beside thinking and calls joins the thinking where the template refuses all three in one message, with a
///   warning: gpt-oss's template shows such content as thinking, too.
/// - Tools and their arguments get an empty description where the template fails without it.
/// - Schemas of tools lose the type `null` where the template recurses over it. The grammar of the calls keeps it.
/// - An answer without a text becomes an empty part where the template refuses an empty string.
///
/// Messages that need none of this are passed on as they are.
struct MessageAdapter {
    let capabilities: TemplateCapabilities

    init(_ capabilities: TemplateCapabilities) { self.capabilities = capabilities }

    func adapted(_ messages: [JSONValue]) throws(TemplateError) -> (messages: [JSONValue], warnings: [String]) {
        var result: [JSONValue] = []
        var warnings: [String] = []
        result.reserveCapacity(messages.count)
        var pendingSystemTexts: [String] = []
        for (index, message) in messages.enumerated() {
            guard case .object(var members) = message else {
                throw failure("messages[\(index)] must be an object, not \(message.kindName)")
            }
            if members["role"] == "developer", !capabilities.supportsDeveloperRole { members["role"] = "system" }
            let role = members["role"]?.stringValue ?? ""
            if role == "system", !capabilities.supportsSystemRole {
                pendingSystemTexts.append(try text(of: members["content"] ?? .null, at: index))
                continue
            }
            if capabilities.demandsShortCallIDs { shortenIDs(&members) }
            try adaptToolCalls(&members, at: index)
            try adaptContent(&members, role, at: index)
            adaptReasoning(&members)
            if moveContentIntoReasoning(&members) {
                warnings.append(
                    "messages[\(index)].content joined the message's reasoning: the model's template takes no content beside reasoning and tool calls"
                )
            }
            if role == "assistant" { adaptAssistant(&members) }
            if role == "user", !pendingSystemTexts.isEmpty {
                members["content"] = try prefixed(members["content"] ?? .null, pendingSystemTexts, at: index)
                pendingSystemTexts = []
            }
            result.append(.object(members))
        }
        if !pendingSystemTexts.isEmpty {
            // No user message follows: it becomes one.
            var members: JSONObject = ["role": "user", "content": .string(pendingSystemTexts.joined(separator: "\n"))]
            try adaptContent(&members, "user", at: messages.count - 1)
            result.append(.object(members))
        }
        return (result, warnings)
    }

    private func failure(_ message: String) -> TemplateError { TemplateError(.input, message, line: 0) }

    private func adaptContent(_ members: inout JSONObject, _ role: String, at index: Int) throws(TemplateError) {
        switch members["content"] {
        case .string(let text)?:
            if !capabilities.textRoles.contains(role), capabilities.partsRoles.contains(role) {
                members["content"] = [["type": "text", "text": .string(text)]]
            }
        case .array(let parts)?:
            if !capabilities.partsRoles.contains(role) {
                members["content"] = .string(try text(of: .array(parts), at: index))
            }
        case .some(.null), nil:
            let hasCalls = members["tool_calls"].map { $0 != .null && $0 != [] } ?? false
            members["content"] = hasCalls && capabilities.acceptsNullContent ? .null : ""
        default: break
        }
    }

    /// The text of a string, of text parts, or of nothing.
    private func text(of content: JSONValue, at index: Int) throws(TemplateError) -> String {
        switch content {
        case .null: return ""
        case .string(let text): return text
        case .array(let parts):
            var texts: [String] = []
            for (path, part) in parts.enumerated() {
                guard part["type"] == "text" || part["type"] == nil, let text = part["text"]?.stringValue else {
                    let type = part["type"]?.stringValue ?? part.kindName
                    throw failure(
                        "messages[\(index)].content[\(path)]: the model's template takes only text here, not '\(type)'"
                    )
                }
                texts.append(text)
            }
            return texts.joined(separator: "\n")
        default:
            throw failure("messages[\(index)].content must be a string or an array, not \(content.kindName)")
        }
    }

    /// The texts of a list of parts, without judging the others.
    static func joinedText(of content: JSONValue?) -> String {
        (content?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
    }

    private func prefixed(
        _ content: JSONValue, _ texts: [String], at index: Int
    ) throws(TemplateError) -> JSONValue {
        let system = texts.joined(separator: "\n")
        if case .array(let parts) = content { return .array([["type": "text", "text": .string(system)]] + parts) }
        let text = try text(of: content, at: index)
        return .string(text.isEmpty ? system : system + "\n" + text)
    }

    private func shortenIDs(_ members: inout JSONObject) {
        func short(_ id: JSONValue?) -> JSONValue? {
            id?.stringValue.map { .string(ShortCallID.short(for: $0)) } ?? id
        }
        if let id = short(members["tool_call_id"]) { members["tool_call_id"] = id }
        guard let calls = members["tool_calls"]?.arrayValue else { return }
        members["tool_calls"] = .array(
            calls.map { call in
                guard case .object(var callMembers) = call else { return call }
                if let id = short(callMembers["id"]) { callMembers["id"] = id }
                return .object(callMembers)
            })
    }

    private func adaptToolCalls(_ members: inout JSONObject, at index: Int) throws(TemplateError) {
        guard case .array(var calls)? = members["tool_calls"] else { return }
        for (path, call) in calls.enumerated() {
            guard case .object(var callMembers) = call, case .object(var function)? = callMembers["function"],
                let arguments = function["arguments"]
            else { continue }
            switch (capabilities.argumentEncoding, arguments) {
            case (.objects, .string(let text)):
                function["arguments"] = try object(from: text, "messages[\(index)].tool_calls[\(path)]")
            case (.texts, .object): function["arguments"] = .string(arguments.text)
            case (_, .string(let text)):
                // Some templates read the text themselves.
                guard !text.hasSuffix("}"), let beginning = PartialArguments.object(beginning: text) else { continue }
                function["arguments"] = .string(beginning.text)
            default: continue
            }
            callMembers["function"] = .object(function)
            calls[path] = .object(callMembers)
        }
        members["tool_calls"] = .array(calls)
    }

    private func object(from text: String, _ path: String) throws(TemplateError) -> JSONValue {
        let trimmed = ProvenanceText(text, isTrusted: false).stripped()
        if trimmed.isEmpty { return [:] }
        do {
            return try JSONParser.parse(Array(text.utf8))
        } catch {
            if let beginning = PartialArguments.object(beginning: text) { return beginning }
            throw failure("\(path).function.arguments must be the text of a JSON object: \(error.message)")
        }
    }

    private func adaptReasoning(_ members: inout JSONObject) {
        guard let field = capabilities.reasoningField, members[field] == nil else { return }
        for name in TemplateProbe.reasoningFields where name != field {
            if case .string? = members[name] {
                members[field] = members[name]
                return
            }
        }
    }

    /// Whether it was necessary.
    private func moveContentIntoReasoning(_ members: inout JSONObject) -> Bool {
        guard !capabilities.acceptsContentWithReasoningAndCalls, let field = capabilities.reasoningField,
            let calls = members["tool_calls"]?.arrayValue, !calls.isEmpty,
            let reasoningText = members[field]?.stringValue, !reasoningText.isEmpty
        else { return false }
        let content = members["content"]?.stringValue ?? Self.joinedText(of: members["content"])
        guard !content.isEmpty else { return false }
        members[field] = .string(reasoningText + "\n\n" + content)
        members["content"] = ""
        return true
    }

    /// Puts thinking into the content, and an empty text into a part, where the template wants it so.
    private func adaptAssistant(_ members: inout JSONObject) {
        let isEmpty = members["content"] == ""
        let hasCalls = members["tool_calls"]?.arrayValue?.isEmpty == false
        let reasoningText = TemplateProbe.reasoningFields.compactMap { members[$0]?.stringValue }.first ?? ""
        if capabilities.acceptsReasoningParts, !reasoningText.isEmpty {
            var parts: [JSONValue] = [["type": "thinking", "thinking": .string(reasoningText)]]
            switch members["content"] {
            case .string(let text)? where !isEmpty: parts.append(["type": "text", "text": .string(text)])
            case .array(let given)?: parts += given
            default: break
            }
            members["content"] = .array(parts)
        } else if isEmpty, !hasCalls, capabilities.requiresPartsForEmptyText {
            members["content"] = [["type": "text", "text": ""]]
        }
    }
}
