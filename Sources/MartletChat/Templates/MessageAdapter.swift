import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections

/// Adapts messages to what a template accepts, as llama-server does, so that one client works with all models.
///
/// Example: a template without a system role receives `[{"role": "user", "content": "Be brief.\nHello"}]` for a system
/// message `Be brief.` and a user message `Hello`.
///
/// - `developer` becomes `system` if the template has no such role.
/// - Without a system role the system text goes in front of the next user message.
/// - Text parts are joined by line feeds if parts are refused; a string becomes one part if strings are refused.
/// - Missing content next to tool calls becomes the empty string if the template fails without content.
/// - Arguments of tool calls become objects or text, if the template accepts only that. Of arguments that are cut off,
///   the complete members remain.
/// - Ids of calls and of their results become short if the template demands nine characters.
/// - Reasoning is passed under the name that the template reads, or as a part of the content.
/// - Content next to reasoning and calls joins the reasoning if the template refuses all three in one message. A
///   warning reports it. gpt-oss's template shows such content as reasoning, too.
/// - Tools and their arguments get an empty description if the template fails without one.
/// - Schemas of tools lose the type `null` if the template recurses over it. The grammar retains it.
/// - A reply without text becomes an empty part if the template refuses an empty string.
///
/// Any other message is passed on unchanged. The rules depend on probes (`TemplateCapabilities`), not on names of
/// models. Pure; thread: any.
struct MessageAdapter {
    let capabilities: TemplateCapabilities

    init(_ capabilities: TemplateCapabilities) { self.capabilities = capabilities }

    /// The messages in the form that the template accepts, and warnings about changes of meaning.
    /// - Throws: `input` with the path of the field that cannot be adapted.
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
                    "messages[\(index)].content joined the message's reasoning: the model's template accepts no content together with reasoning and tool calls"
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
            // No user message follows the system text, so it becomes one.
            var members: JSONObject = ["role": "user", "content": .string(pendingSystemTexts.joined(separator: "\n"))]
            try adaptContent(&members, "user", at: messages.count - 1)
            result.append(.object(members))
        }
        return (result, warnings)
    }

    /// An error about the client's messages. It has no line of the template.
    private func failure(_ message: String) -> TemplateError { TemplateError(.input, message, line: 0) }

    /// Content as a string, as parts, or empty, depending on the role.
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

    /// The text of a string, of text parts, or of missing content. Other parts are an error that names the part.
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
                        "messages[\(index)].content[\(path)]: the model's template accepts only text here, not '\(type)'"
                    )
                }
                texts.append(text)
            }
            return texts.joined(separator: "\n")
        default:
            throw failure("messages[\(index)].content must be a string or an array, not \(content.kindName)")
        }
    }

    /// The texts of a list of parts, without an error for other parts.
    static func joinedText(of content: JSONValue?) -> String {
        (content?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
    }

    /// The content with the pending system texts in front.
    private func prefixed(
        _ content: JSONValue, _ texts: [String], at index: Int
    ) throws(TemplateError) -> JSONValue {
        let system = texts.joined(separator: "\n")
        if case .array(let parts) = content { return .array([["type": "text", "text": .string(system)]] + parts) }
        let text = try text(of: content, at: index)
        return .string(text.isEmpty ? system : system + "\n" + text)
    }

    /// Replaces the ids of calls and of their results by short ones. The same id always becomes the same short id.
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

    /// Converts the arguments of past calls to objects or to text. Incomplete arguments become their complete members.
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
                // Templates that parse the text themselves fail for incomplete text.
                guard !text.hasSuffix("}"), let beginning = PartialArguments.object(beginning: text) else { continue }
                function["arguments"] = .string(beginning.text)
            default: continue
            }
            callMembers["function"] = .object(function)
            calls[path] = .object(callMembers)
        }
        members["tool_calls"] = .array(calls)
    }

    /// The object of an arguments text. Empty text is an empty object.
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

    /// Copies reasoning to the field that the template reads.
    private func adaptReasoning(_ members: inout JSONObject) {
        guard let field = capabilities.reasoningField, members[field] == nil else { return }
        for name in TemplateProbe.reasoningFields where name != field {
            if case .string? = members[name] {
                members[field] = members[name]
                return
            }
        }
    }

    /// Moves the content into the reasoning. Returns whether that was necessary.
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

    /// Moves reasoning into the content's parts, and an empty text into a part, if the template demands it.
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
