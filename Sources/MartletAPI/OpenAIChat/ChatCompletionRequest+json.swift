import MartletConversation
package import MartletGenerations
package import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import OrderedCollections

// The JSON form of a chat. The shapes of the messages are validated, so that a template cannot fail on an unexpected type.
extension ChatCompletionRequest {
    /// Reads the body of a chat completion.
    ///
    /// - Parameters:
    ///   - defaults: the values of fields that the request omits.
    ///   - randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        var fields = try FieldReader(json)
        let pins = try fields.removeCacheMarks()
        let messages = try ChatMessages.read(fields)
        self.init(
            messages: messages, options: try CompletionOptions(fields, defaults: defaults, randomSeed: randomSeed))
        try pin(pins)
        tools = try ConversationTools(fields, limits: defaults.schemaCompiler.limits)
        addsGenerationPrompt = try fields.bool("add_generation_prompt") ?? true
        continuation = try Self.continuation(
            fields, of: messages.last, byDefault: defaults.continuesAssistant)
        templateArguments = try Self.templateArguments(fields)
        // -1 removes the default limit.
        let budget = try ReasoningBudgetFields.budget(fields) ?? defaults.reasoningBudget
        reasoningBudget = budget == -1 ? nil : budget
        let turnBudget = try ReasoningBudgetFields.turnBudget(fields) ?? defaults.reasoningTurnBudget
        reasoningTurnBudget = turnBudget == -1 ? nil : turnBudget
        reasoningMessage = try ReasoningBudgetFields.message(fields) ?? defaults.reasoningMessage
        if try fields.bool("store") ?? false { _ = try MetadataField.read(fields) }
        if let tier = try fields.string("service_tier"), tier != "auto", tier != "default" {
            options.warnings.append("\"service_tier\": no effect: there is one tier")
        }
        // One grammar would have to hold for the content and for the calls.
        if tools.isActive, let name = options.textField {
            throw .field(name, "A grammar excludes tools; omit one of them, or set tool_choice to \"none\"")
        }
        try options.reportUnused(fields, defaults)
    }

    /// Reads `continue_final_message`.
    /// - Parameter byDefault: whether the output continues an assistant's last message without the field.
    private static func continuation(
        _ fields: FieldReader, of message: ConversationMessage?, byDefault: Bool
    ) throws(APIError) -> Continuation? {
        let name = "continue_final_message"
        // An assistant's message with tool calls is complete.
        let isContinuable = message?.role == .assistant && message?.toolCalls.isEmpty == true
        let continuation: Continuation
        switch fields.value(name) {
        case nil: return isContinuable && byDefault ? .any : nil
        case .bool(false)?: return nil
        case .bool(true)?: continuation = .any
        case .string("content")?: continuation = .content
        case .string("reasoning_content")?: continuation = .reasoning
        case let other?:
            throw fields.mismatch(name, "a boolean, \"content\" or \"reasoning_content\"", other)
        }
        guard try fields.bool("add_generation_prompt") != true else {
            throw .field(
                name, "Value must be false if \"add_generation_prompt\" is true: only one of them can end the prompt")
        }
        guard isContinuable else {
            throw .field(
                name,
                "The last message must be an assistant's without tool_calls, but its role is "
                    + (message.map { FieldReader.short(.string($0.role.rawValue)) } ?? "none"))
        }
        return continuation
    }

    /// The arguments of the template. Fields of the request replace members of `chat_template_kwargs`.
    private static func templateArguments(_ fields: FieldReader) throws(APIError) -> JSONObject {
        let given = try fields.object("chat_template_kwargs")
        _ = try given?.bool("enable_thinking")
        var arguments = given?.members ?? [:]
        if let enablesReasoning = try fields.bool("enable_thinking") {
            arguments["enable_thinking"] = .bool(enablesReasoning)
        }
        if let effort = try fields.string("reasoning_effort") {
            // The template need not know the word "none".
            if effort == "none" {
                arguments["enable_thinking"] = false
            } else {
                arguments["reasoning_effort"] = .string(effort)
            }
        }
        return arguments
    }
}
