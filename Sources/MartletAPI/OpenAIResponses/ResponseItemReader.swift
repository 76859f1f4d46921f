import MartletConversation
import MartletJSON
import MartletStreams
import MartletText
import OrderedCollections

/// Reads items of OpenAI's Responses into a conversation.
///
/// Items of the assistant that follow each other (reasoning, messages, calls) are one message of the conversation.
struct ResponseItemReader {
    /// The conversation so far.
    private(set) var messages: [ConversationMessage] = []
    private var calls = CallIDs()
    private var omitted = OmittedParts()

    /// Items of tools that OpenAI's servers or particular clients run. A conversation may come from such a server.
    private static let hostedTypes: Set<String> = [
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "computer_call",
        "computer_call_output", "mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response",
        "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call",
        "apply_patch_call_output", "tool_search_call", "tool_search_output", "program", "program_output",
    ]

    /// One sentence for each type of items that were left out.
    var warnings: [String] { omitted.warnings("input", "item") }

    /// Adds a message of another source.
    mutating func append(_ message: ConversationMessage) { messages.append(message) }

    /// Reads `input`: a text of the user, or items.
    mutating func readInput(_ value: JSONValue?) throws(APIError) {
        switch value {
        case nil: break
        case .string(let text)?: messages.append(ConversationMessage(.user, text))
        case .array(let items)?:
            for (index, item) in items.enumerated() {
                if index == items.count - 1, Compaction.isTrigger(item) {
                    messages.append(ConversationMessage(.user, Compaction.question))
                } else {
                    try read(item, at: "input[\(index)]")
                }
            }
        case let other?: throw .field("input", "Value must be a string or a list of items, but is \(other.kindName)")
        }
    }

    /// Reads one item.
    /// - Throws: `invalidRequest` that names the item, the rule and the value.
    mutating func read(_ item: JSONValue, at location: String) throws(APIError) {
        guard case .object = item else { throw .field(location, "An item must be an object, but is \(item.kindName)") }
        // `null` counts as absent, as everywhere.
        let type = item["type"].flatMap { $0 == .null ? nil : $0 } ?? "message"
        guard let word = type.stringValue else {
            throw .field("\(location).type", "Value must be a string, but got \(FieldReader.short(type))")
        }
        switch word {
        case "message": try readMessage(item, at: location)
        case "reasoning": appendToAssistant(.reasoning(try reasoning(item, at: location)))
        case "function_call": try readCall(item, at: location)
        case "custom_tool_call":
            let value = item["input"].flatMap { $0 == .null ? nil : $0 } ?? ""
            guard let input = value.stringValue else {
                throw .field("\(location).input", "Value must be a string, but is \(value.kindName)")
            }
            try appendCall(
                item, ResponseTools.name(try name(item, at: location)), .object(["input": .string(input)]), at: location
            )
        case "function_call_output", "custom_tool_call_output": try readResult(item, at: location)
        case "item_reference":
            throw .field(
                "\(location).id",
                "Value must be the id of a stored item, but got \(FieldReader.short(item["id"] ?? .null))")
        case let type where Compaction.itemTypes.contains(type): try readSummary(item, at: location)
        case Compaction.triggerType:
            throw .field("\(location).type", "An item of type \(word) must be the last one of the input")
        case let type where Self.hostedTypes.contains(type): omitted.add(type)
        default:
            throw APIError(
                .notSupported,
                "Field '\(location).type': \(FieldReader.short(item["type"] ?? .null)) items are not supported by this version",
                field: "\(location).type")
        }
    }

    // MARK: Items

    /// Reads an item of type `message`, or without a type: the author's role, and a text or parts.
    ///
    /// Text of the assistant joins the assistant's message in progress; other roles begin a message of their own.
    private mutating func readMessage(_ item: JSONValue, at location: String) throws(APIError) {
        let words = ["user", "assistant", "system", "developer"]
        guard let word = item["role"]?.stringValue, words.contains(word),
            let role = ConversationMessage.Role(rawValue: word)
        else {
            let got = item["role"].map(FieldReader.short) ?? "nothing"
            throw .field("\(location).role", "Value must be one of \(words.joined(separator: ", ")), but got \(got)")
        }
        switch item["content"] {
        case nil: throw .field("\(location).content", "A text or a list of parts is required, but got nothing")
        case .string(let text)?:
            if role == .assistant {
                appendToAssistant(.text(text))
            } else {
                messages.append(ConversationMessage(role, text))
            }
        case .array(let values)?:
            let parts = try ContentParts.responses.texts(of: values, at: "\(location).content").map {
                ConversationPart.text($0)
            }
            if role == .assistant {
                for part in parts { appendToAssistant(part) }
            } else {
                messages.append(ConversationMessage(role, parts: parts, isPlain: parts.isEmpty))
            }
        case let other?:
            throw .field("\(location).content", "Value must be a string or a list of parts, but is \(other.kindName)")
        }
    }

    /// Reasoning: its text, or the text that this server put into `encrypted_content`.
    private func reasoning(_ item: JSONValue, at location: String) throws(APIError) -> ReasoningPart {
        for (name, type) in [("content", "reasoning_text"), ("summary", "summary_text")] {
            guard let value = item[name] else { continue }
            guard let parts = value.arrayValue else {
                throw .field("\(location).\(name)", "Value must be an array, but is \(value.kindName)")
            }
            var texts: [String] = []
            for (index, part) in parts.enumerated() {
                guard let text = part["text"]?.stringValue else {
                    throw .field("\(location).\(name)[\(index)].text", "A string is required in a part of type \(type)")
                }
                texts.append(text)
            }
            if !texts.isEmpty { return ReasoningPart(texts.joined(separator: "\n")) }
        }
        guard let value = item["encrypted_content"] else { return ReasoningPart("", redacted: "") }
        guard let text = value.stringValue else {
            throw .field("\(location).encrypted_content", "Value must be a string, but is \(value.kindName)")
        }
        // Reasoning that another server encrypted cannot be read. No template sees it.
        return SealedText.reasoning.open(text).map { ReasoningPart($0) } ?? ReasoningPart("", redacted: text)
    }

    /// Reads an item with a summary of earlier items. A summary that another server encrypted is left out.
    private mutating func readSummary(_ item: JSONValue, at location: String) throws(APIError) {
        guard let text = item["encrypted_content"]?.stringValue else {
            let got = item["encrypted_content"].map(FieldReader.short) ?? "nothing"
            throw .field("\(location).encrypted_content", "A string is required, but got \(got)")
        }
        guard let summary = SealedText.summary.open(text) else {
            omitted.add(item["type"]?.stringValue ?? "")
            return
        }
        if !summary.isEmpty { messages.append(ConversationMessage(.user, ConversationSummary.message(summary))) }
    }

    /// The name of a called tool, as the client knows it.
    private func name(_ item: JSONValue, at location: String) throws(APIError) -> String {
        guard let name = item["name"]?.stringValue, !name.isEmpty else {
            throw .field("\(location).name", "The name of a tool is required")
        }
        return name
    }

    /// Reads a `function_call`. A namespace becomes the beginning of the model's name of the function.
    ///
    /// The arguments are the text of an object, or its beginning: an output may have ended within a call.
    private mutating func readCall(_ item: JSONValue, at location: String) throws(APIError) {
        var name = try name(item, at: location)
        if let value = item["namespace"] {
            guard let namespace = value.stringValue else {
                throw .field("\(location).namespace", "Value must be a string, but is \(value.kindName)")
            }
            name = ResponseTools.name(name, in: namespace)
        }
        let arguments: ToolCallPart.Arguments
        switch item["arguments"] {
        case nil: arguments = .text("{}")
        case .string(let text)?:
            let isBlank = !text.utf8.contains { $0 > 0x20 }
            guard isBlank || PartialArguments.object(beginning: text) != nil else {
                throw .field(
                    "\(location).arguments",
                    "Value must be the text of a JSON object, but is \(FieldReader.short(.string(text)))")
            }
            arguments = .text(isBlank ? "{}" : text)
        case let other?: throw .field("\(location).arguments", "Value must be a string, but is \(other.kindName)")
        }
        try appendCall(item, name, arguments, at: location)
    }

    /// Adds a call to the assistant's message. Its `call_id` identifies it in the whole conversation.
    private mutating func appendCall(
        _ item: JSONValue, _ name: String, _ arguments: ToolCallPart.Arguments, at location: String
    ) throws(APIError) {
        let id = try calls.add(item["call_id"], at: "\(location).call_id")
        appendToAssistant(.toolCall(ToolCallPart(id: id, name: name, arguments: arguments)))
    }

    /// Reads the output of a call: a text, or parts with text. It follows its call, once.
    private mutating func readResult(_ item: JSONValue, at location: String) throws(APIError) {
        let id = try calls.answer(item["call_id"], at: "\(location).call_id", inEarlier: "item")
        let texts: [String]
        switch item["output"] {
        case nil: throw .field("\(location).output", "A text or a list of parts is required, but got nothing")
        case .string(let text)?: texts = [text]
        case .array(let parts)?: texts = try ContentParts.responses.texts(of: parts, at: "\(location).output")
        case let other?:
            throw .field("\(location).output", "Value must be a string or a list of parts, but is \(other.kindName)")
        }
        messages.append(
            ConversationMessage(
                .tool,
                parts: [
                    .toolResult(
                        ToolResultPart(
                            callID: id, content: texts.map { .text($0) }, isPlain: item["output"]?.stringValue != nil))
                ]))
    }

    /// Adds a part to the assistant's message in progress, or to a new one.
    private mutating func appendToAssistant(_ part: ConversationPart) {
        if let last = messages.indices.last, messages[last].role == .assistant {
            messages[last].parts.append(part)
        } else {
            messages.append(ConversationMessage(.assistant, parts: [part], isPlain: true))
        }
    }
}
