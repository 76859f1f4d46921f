import MartletConversation
import MartletJSON
import MartletStreams
import MartletText
import OrderedCollections

/// Reads `system` and `messages` of Anthropic's Messages into a conversation.
///
/// A user's message with results of tools becomes one message for each result and one for the rest, in the order of the
/// blocks. Consecutive messages of one role become one turn, as at Anthropic.
struct MessageReader {
    /// The conversation so far.
    private(set) var messages: [ConversationMessage] = []
    /// The places that `cache_control` marks.
    var marks = CacheMarks()
    /// One sentence for each part of the conversation that has no effect.
    var warnings: [String] { signatureWarnings + omitted.warnings("messages", "block") }
    private var signatureWarnings: [String] = []
    private var omitted = OmittedParts()
    private var calls = CallIDs()

    /// Blocks of tools that Anthropic's servers run, and of features that only they have.
    private static let hostedTypes: Set<String> = [
        "server_tool_use", "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing", "container_upload", "fallback",
        "tool_addition", "tool_removal", "web_search_tool_result", "web_fetch_tool_result", "advisor_tool_result",
        "code_execution_tool_result", "bash_code_execution_tool_result", "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
    ]

    /// - Throws: `invalidRequest` that names the message, the block, the rule and the value.
    mutating func read(_ fields: FieldReader) throws(APIError) {
        try readSystem(fields.value("system"), at: "system")
        guard let values = try fields.array("messages") else {
            throw .field("messages", "A list of messages is required, but the field is missing")
        }
        guard !values.isEmpty else {
            throw .field("messages", "At least one message is required, but the list is empty")
        }
        var hasUser = false
        for (index, value) in values.enumerated() {
            let location = "messages[\(index)]"
            guard case .object = value else {
                throw .field(location, "A message must be an object, but is \(value.kindName)")
            }
            switch value["role"]?.stringValue {
            case "user"?:
                hasUser = true
                try readUser(value["content"], at: "\(location).content")
            case "assistant"?:
                guard hasUser else {
                    throw .field("\(location).role", "The first message must be the user's, but got \"assistant\"")
                }
                try readAssistant(value["content"], at: "\(location).content")
            case "system"?: try readSystem(value["content"], at: "\(location).content")
            default:
                let got = value["role"].map(FieldReader.short) ?? "nothing"
                throw .field("\(location).role", "Value must be one of user, assistant, but got \(got)")
            }
        }
        guard hasUser else {
            throw .field("messages", "At least one message must be the user's, but all have the role \"system\"")
        }
        // Anthropic's word for a mark at the end of the conversation.
        if try CacheControl.isMarked(.object(fields.members), at: "") { marks.add(message: messages.count - 1) }
    }

    // MARK: Roles

    /// Reads `system`, or a message of role `system`: a text, or blocks of text.
    ///
    /// An empty text adds no message. Templates that know no second system message get its text in front of the next user's
    /// message, as `MessageAdapter` describes.
    private mutating func readSystem(_ value: JSONValue?, at location: String) throws(APIError) {
        guard let value else { return }
        if let text = value.stringValue {
            if !text.isEmpty { append(ConversationMessage(.system, text)) }
            return
        }
        var parts: [ConversationPart] = []
        for (index, block) in try blocks(value, at: location).enumerated() {
            let place = "\(location)[\(index)]"
            let text = try ContentParts.blocks.text(of: block, at: place)
            if try CacheControl.isMarked(block, at: place) { marks.add(message: messages.count) }
            // A line for Anthropic's billing. It changes with every request, so it would defeat the prefix cache.
            guard !text.hasBytes(ofPrefix: "x-anthropic-billing-header:") else { continue }
            parts.append(.text(text))
        }
        if !parts.isEmpty { append(ConversationMessage(.system, parts: parts)) }
    }

    /// Reads a user's content. Each result of a tool becomes a message of its own, in the order of the blocks.
    ///
    /// Example: `[tool_result, text]` becomes a tool's message and a user's message.
    private mutating func readUser(_ value: JSONValue?, at location: String) throws(APIError) {
        if let text = value?.stringValue { return append(ConversationMessage(.user, text)) }
        var parts: [ConversationPart] = []
        for (index, block) in try blocks(value, at: location).enumerated() {
            let place = "\(location)[\(index)]"
            if block["type"] == "tool_result" {
                if !parts.isEmpty { append(ConversationMessage(.user, parts: parts)) }
                parts = []
                append(ConversationMessage(.tool, parts: [.toolResult(try result(block, at: place))]))
                if try CacheControl.isMarked(block, at: place) { marks.add(message: messages.count - 1) }
            } else if try !readOther(block, at: place, &parts) {
                parts.append(.text(try ContentParts.blocks.text(of: block, at: place)))
                if try CacheControl.isMarked(block, at: place) { marks.add(message: indexOfNext(.user)) }
            }
        }
        if !parts.isEmpty { append(ConversationMessage(.user, parts: parts)) }
    }

    /// Reads the content of an earlier output: texts, thinking and calls stay parts of one message.
    ///
    /// The texts together are one text, because templates write an assistant's turn as one.
    private mutating func readAssistant(_ value: JSONValue?, at location: String) throws(APIError) {
        if let text = value?.stringValue { return append(ConversationMessage(.assistant, text)) }
        var parts: [ConversationPart] = []
        for (index, block) in try blocks(value, at: location).enumerated() {
            let place = "\(location)[\(index)]"
            if try CacheControl.isMarked(block, at: place) { marks.add(message: indexOfNext(.assistant)) }
            switch block["type"]?.stringValue {
            case "thinking"?: parts.append(.reasoning(try thinking(block, at: place)))
            case "redacted_thinking"?:
                guard let data = block["data"]?.stringValue else {
                    throw .field("\(place).data", "A string is required")
                }
                parts.append(.reasoning(ReasoningPart("", redacted: data)))
            case "tool_use"?: parts.append(.toolCall(try call(block, at: place)))
            default:
                if try !readOther(block, at: place, &parts) {
                    parts.append(.text(try ContentParts.blocks.text(of: block, at: place)))
                }
            }
        }
        if !parts.isEmpty { append(ConversationMessage(.assistant, parts: parts, isPlain: true)) }
    }

    /// Reads a block that is no text of its message: a summary of what is before it, or a block without effect here.
    ///
    /// - Parameter parts: the parts of the message so far; a summary replaces them, and all messages before.
    /// - Returns: false if the block is of another type.
    private mutating func readOther(
        _ block: JSONValue, at location: String, _ parts: inout [ConversationPart]
    ) throws(APIError) -> Bool {
        guard let type = block["type"]?.stringValue else { return false }
        if Self.hostedTypes.contains(type) {
            omitted.add(type)
            return true
        }
        guard type == "compaction" else { return false }
        // Without content a summary has failed, and nothing is replaced.
        guard let content = block["content"] else { return true }
        guard let summary = content.stringValue, !summary.isEmpty else {
            throw .field("\(location).content", "A text that is not empty is required, but is \(content.kindName)")
        }
        parts = []
        messages.removeAll { $0.role != .system }
        append(ConversationMessage(.user, ConversationSummary.message(summary)))
        return true
    }

    /// The index that the next message of a role gets.
    private func indexOfNext(_ role: ConversationMessage.Role) -> Int {
        messages.last?.role == role ? messages.count - 1 : messages.count
    }

    /// Adds a message, or its parts to the last message of the same role.
    private mutating func append(_ message: ConversationMessage) {
        guard message.role != .tool, let last = messages.indices.last, messages[last].role == message.role else {
            return messages.append(message)
        }
        messages[last].parts += message.parts
        // Texts of an assistant are one text for every template.
        messages[last].isPlain = message.role == .assistant
    }

    // MARK: Blocks

    /// A content that must be a list of blocks, at least one.
    private func blocks(_ value: JSONValue?, at location: String) throws(APIError) -> [JSONValue] {
        guard let value else { throw .field(location, "A text or a list of blocks is required, but got nothing") }
        guard let blocks = value.arrayValue else {
            throw .field(location, "Value must be a string or a list of blocks, but is \(value.kindName)")
        }
        guard !blocks.isEmpty else { throw .field(location, "At least one block is required, but the list is empty") }
        return blocks
    }

    /// A thinking block. Its signature is checked, but a wrong one is tolerated: the text may come from another server.
    private mutating func thinking(_ block: JSONValue, at location: String) throws(APIError) -> ReasoningPart {
        guard let text = block["thinking"]?.stringValue else {
            throw .field("\(location).thinking", "A string is required")
        }
        guard let value = block["signature"] else { return ReasoningPart(text) }
        guard let signature = value.stringValue else {
            throw .field("\(location).signature", "Value must be a string, but is \(value.kindName)")
        }
        if ThinkingSignature.check(signature, of: text) == .changed {
            signatureWarnings.append("\(location).signature: the thinking differs from the thinking that was signed")
        }
        return ReasoningPart(text, signature: signature)
    }

    /// A `tool_use` block. Its id identifies the call in the whole conversation.
    private mutating func call(_ block: JSONValue, at location: String) throws(APIError) -> ToolCallPart {
        let id = try calls.add(block["id"], at: "\(location).id")
        guard let name = block["name"]?.stringValue, !name.isEmpty else {
            throw .field("\(location).name", "The name of a tool is required")
        }
        guard let input = block["input"] else { throw .field("\(location).input", "An object is required") }
        guard let arguments = input.objectValue else {
            throw .field("\(location).input", "Value must be an object, but is \(input.kindName)")
        }
        return ToolCallPart(id: id, name: name, arguments: .object(arguments))
    }

    /// A `tool_result` block. It follows its call, once; content may be missing, as for a tool without output.
    ///
    /// - Parameter location: the path of the block, for messages.
    private mutating func result(_ block: JSONValue, at location: String) throws(APIError) -> ToolResultPart {
        let id = try calls.answer(block["tool_use_id"], at: "\(location).tool_use_id", inEarlier: "message")
        let isError = try ToolCollector.flag(block["is_error"], at: "\(location).is_error") ?? false
        switch block["content"] {
        case nil: return ToolResultPart(callID: id, content: [.text("")], isPlain: true, isError: isError)
        case .string(let text)?:
            return ToolResultPart(callID: id, content: [.text(text)], isPlain: true, isError: isError)
        case .array(let values)?:
            let texts = try ContentParts.blocks.texts(of: values, at: "\(location).content")
            let parts = texts.map { ConversationPart.text($0) }
            return ToolResultPart(callID: id, content: parts, isPlain: parts.isEmpty, isError: isError)
        case let other?:
            throw .field("\(location).content", "Value must be a string or a list of blocks, but is \(other.kindName)")
        }
    }
}

/// The places of a request that `cache_control` marks.
struct CacheMarks {
    private var indexes: Set<Int> = []
    private var count = 0

    /// Adds a mark at the end of a message.
    /// - Parameter message: its index in the conversation; the first message stands for the tools.
    mutating func add(message: Int) {
        indexes.insert(max(0, message))
        count += 1
    }

    /// - Throws: if there are too many marks.
    func check() throws(APIError) { try CacheControl.check(count: count) }

    /// The marked messages of a conversation with `count` messages, ascending.
    func messages(count: Int) -> [Int] { indexes.filter { $0 < count }.sorted() }
}
