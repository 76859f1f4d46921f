import MartletConversation
package import MartletGenerations
package import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import OrderedCollections

/// The body of `/api/chat`, validated.
package struct OllamaChatRequest: Sendable, Equatable {
    /// The chat; nil for a request without messages, with which clients load a model.
    package var chat: ChatCompletionRequest?
    /// The name in the request; the server decides whether it is known.
    package var model: String?
    /// The time for which the model remains loaded; negative = for ever, nil = the server's default.
    package var keepAlive: Duration?

    /// The most messages, and the most calls of one message.
    private static let countLimit = 65_536
    private static let callLimit = 1_024

    /// - Parameter randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        var options = try OllamaFields.completionOptions(fields, defaults: defaults, randomSeed: randomSeed)
        model = options.model
        keepAlive = options.keepAlive
        let messages = try fields.array("messages") ?? []
        guard messages.count <= Self.countLimit else {
            throw .field("messages", "At most \(Self.countLimit) messages are allowed, but got \(messages.count)")
        }
        let tools = try ConversationTools(fields, limits: defaults.schemaCompiler.limits)
        let arguments = try OllamaFields.templateArguments(fields)
        fields.accept("truncate", "shift")
        try options.reportUnused(fields, defaults)
        guard !messages.isEmpty else { return }
        var read: [ConversationMessage] = []
        for (index, message) in messages.enumerated() {
            read.append(try Self.message(message, at: "messages[\(index)]"))
        }
        var chat = ChatCompletionRequest(messages: read, options: options)
        // There is no field for the choice of a tool: the model decides.
        chat.tools = tools
        chat.templateArguments = arguments
        chat.reasoningBudget = defaults.reasoningBudget
        chat.reasoningTurnBudget = defaults.reasoningTurnBudget
        chat.reasoningMessage = defaults.reasoningMessage
        if read.last?.role == .assistant, read.last?.toolCalls.isEmpty == true, defaults.continuesAssistant {
            chat.continuation = .any
        }
        self.chat = chat
    }

    /// Reads one message. `null` members count as absent, as clients dump all members of their classes.
    ///
    /// - Parameter path: the message's path in errors, such as `messages[2]`.
    private static func message(_ json: JSONValue, at path: String) throws(APIError) -> ConversationMessage {
        guard json.objectValue != nil else {
            throw .field(path, "A message must be an object, but is \(json.kindName)")
        }
        func text(_ name: String) throws(APIError) -> String? {
            guard let value = json[name], value != .null else { return nil }
            guard let text = value.stringValue else {
                throw .field("\(path).\(name)", "Value must be a string, but is \(value.kindName)")
            }
            return text
        }
        let roles: [ConversationMessage.Role] = [.system, .user, .assistant, .tool]
        guard let name = try text("role"), let role = roles.first(where: { $0.rawValue == name }) else {
            let got = json["role"].map(FieldReader.short) ?? "nothing"
            throw .field("\(path).role", "Value must be one of system, user, assistant, tool, but got \(got)")
        }
        if let images = json["images"], images != .null, images.arrayValue?.isEmpty != true {
            throw APIError(
                .notSupported,
                "Field '\(path).images': The model reads no images, but got \(FieldReader.short(images))",
                field: "\(path).images")
        }
        // A message may have calls or reasoning only.
        let content = try text("content") ?? ""
        if role == .tool {
            var message = ConversationMessage(
                .tool,
                parts: [
                    .toolResult(
                        ToolResultPart(
                            callID: try text("tool_call_id"), content: [.text(content)], isPlain: true))
                ], isPlain: true)
            message.name = try text("tool_name")
            if message.name == nil { message.name = try text("name") }
            return message
        }
        var parts: [ConversationPart] = []
        if let thinking = try text("thinking"), !thinking.isEmpty { parts.append(.reasoning(ReasoningPart(thinking))) }
        let calls = try calls(json["tool_calls"], at: "\(path).tool_calls")
        if !content.isEmpty || (calls.isEmpty && parts.isEmpty) { parts.append(.text(content)) }
        return ConversationMessage(role, parts: parts + calls.map { .toolCall($0) }, isPlain: true)
    }

    /// Reads the tool calls of an assistant's message. Their arguments are objects, unlike OpenAI's, which are texts.
    private static func calls(_ value: JSONValue?, at path: String) throws(APIError) -> [ToolCallPart] {
        guard let value, value != .null else { return [] }
        guard let elements = value.arrayValue, elements.count <= callLimit else {
            throw .field(path, "Value must be a list of at most \(callLimit) calls, but is \(value.kindName)")
        }
        var calls: [ToolCallPart] = []
        for (index, element) in elements.enumerated() {
            let function = element["function"]
            guard let name = function?["name"]?.stringValue, !name.isEmpty else {
                throw .field("\(path)[\(index)].function.name", "The name of a function is required")
            }
            let arguments = function?["arguments"] ?? [:]
            guard case .object(let object) = arguments == .null ? [:] : arguments else {
                throw .field(
                    "\(path)[\(index)].function.arguments", "Value must be an object, but is \(arguments.kindName)")
            }
            calls.append(ToolCallPart(id: element["id"]?.stringValue, name: name, arguments: .object(object)))
        }
        return calls
    }
}
