package import MartletJSON
import MartletSchema
import OrderedCollections

/// The body of a chat completion, validated. The model's chat template renders the messages later.
package struct ChatCompletionRequest: Sendable, Equatable {
    /// Objects with a known role and a content of a supported type.
    package var messages: [JSONValue]
    /// Whether the template adds the beginning of the assistant's message.
    package var addsGenerationPrompt: Bool
    /// Values that the template sees by name: `chat_template_kwargs`, `enable_thinking`, `reasoning_effort`.
    package var templateArguments: JSONObject
    /// The functions that the model may call.
    package var tools: ToolFields
    /// The part of the assistant's last message that the output continues; nil = the output is a new message.
    package var continuation: Continuation?
    /// The most reasoning tokens of the output; nil = no limit.
    package var reasoningBudget: Int?
    /// The most reasoning tokens of the user's turn; nil = no limit. Reasoning in messages after the user's last one
    /// counts.
    package var reasoningTurnBudget: Int?
    /// The text that the engine inserts before it ends reasoning at the budget.
    package var reasoningMessage: String
    /// The fields that every completion route shares.
    package var options: CompletionOptions

    /// - Parameters:
    ///   - defaults: the values of fields that the request omits.
    ///   - randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        messages = try ChatMessages.validated(fields)
        options = try CompletionOptions(fields, defaults: defaults, randomSeed: randomSeed)
        tools = try ToolFields(fields, limits: defaults.schemaCompiler.limits)
        addsGenerationPrompt = try fields.bool("add_generation_prompt") ?? true
        continuation = try Self.continuation(
            fields, of: messages.last, byDefault: defaults.continuesAssistant)
        templateArguments = try Self.templateArguments(fields)
        let budget = try ReasoningBudgetFields.budget(fields) ?? defaults.reasoningBudget
        reasoningBudget = budget == -1 ? nil : budget
        let turnBudget = try ReasoningBudgetFields.turnBudget(fields) ?? defaults.reasoningTurnBudget
        reasoningTurnBudget = turnBudget == -1 ? nil : turnBudget
        reasoningMessage = try ReasoningBudgetFields.message(fields) ?? defaults.reasoningMessage
        if tools.isActive, let name = options.textField {
            throw .field(name, "A grammar excludes tools; omit one of them, or set tool_choice to \"none\"")
        }
    }

    /// The part of a message that an output continues. The names are llama-server's.
    package enum Continuation: Sendable {
        /// The content; the reasoning of a message that has nothing else.
        case any
        /// The content, after reasoning that has ended.
        case content
        /// The reasoning. The content of the message is omitted.
        case reasoning
    }

    /// Reads `continue_final_message`.
    /// - Parameter byDefault: whether the output continues an assistant's last message without the field.
    private static func continuation(
        _ fields: FieldReader, of message: JSONValue?, byDefault: Bool
    ) throws(APIError) -> Continuation? {
        let name = "continue_final_message"
        let isContinuable = message?["role"] == "assistant" && message?["tool_calls"] == nil
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
                    + (message?["role"].map(FieldReader.short) ?? "none"))
        }
        return continuation
    }

    /// Whether reasoning is part of the response's content.
    package var includesReasoningInContent: Bool { options.reasoningFormat.isInContent(streams: options.streams) }

    /// The reasoning of the assistant since the user's last message, which counts against the budget of the turn.
    package var priorReasoning: [String] {
        let turn = messages.lastIndex { $0["role"] == "user" }.map { messages[($0 + 1)...] } ?? messages[...]
        return turn.compactMap { $0["role"] == "assistant" ? $0["reasoning_content"]?.stringValue : nil }
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
            if effort == "none" {
                arguments["enable_thinking"] = false
            } else {
                arguments["reasoning_effort"] = .string(effort)
            }
        }
        return arguments
    }
}
