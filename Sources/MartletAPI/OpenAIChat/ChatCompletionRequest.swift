package import MartletJSON
import MartletSchema
import OrderedCollections

/// The body of a chat completion, validated. Rendering the messages is up to the model's template.
package struct ChatCompletionRequest: Sendable, Equatable {
    /// Each an object with a known role and content of a supported shape.
    package var messages: [JSONValue]
    package var addsGenerationPrompt: Bool
    /// Values that the template sees by name: `chat_template_kwargs`, `enable_thinking`, `reasoning_effort`.
    package var templateArguments: JSONObject
    package var tools: ToolFields
    /// How the answer goes on with the last message, which is then an assistant's; `nil` = it does not.
    package var continuation: Continuation?
    /// Most tokens of thinking; `nil` = no limit.
    package var reasoningBudget: Int?
    /// The same of the user's turn, with the thinking that the messages behind the user's last one tell.
    package var reasoningTurnBudget: Int?
    /// What is said in the model's name before its thinking is cut off.
    package var reasoningMessage: String
    package var options: CompletionOptions

    /// - Parameter randomSeed: used when the request fixes none.
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
            throw .field(name, "A grammar cannot be given together with tools; set tool_choice to \"none\"")
        }
    }

    /// Which part of a message an answer goes on with. Names as at llama-server.
    package enum Continuation: Sendable {
        /// The content, or the thinking of a message that has nothing else.
        case any
        /// The content, behind thinking that has ended.
        case content
        /// The thinking. Content of the message is left out.
        case reasoning
    }

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
                name, "Value must be false where \"add_generation_prompt\" is true: one of both ends the prompt")
        }
        guard isContinuable else {
            throw .field(
                name,
                "The last message must be an assistant's without tool_calls, but its role is "
                    + (message?["role"].map(FieldReader.short) ?? "none"))
        }
        return continuation
    }

    /// Whether thinking is part of the answer's text.
    package var includesReasoningInContent: Bool { options.reasoningFormat.isInContent(streams: options.streams) }

    /// What the assistant has thought since the user spoke last.
    package var priorReasoning: [String] {
        let turn = messages.lastIndex { $0["role"] == "user" }.map { messages[($0 + 1)...] } ?? messages[...]
        return turn.compactMap { $0["role"] == "assistant" ? $0["reasoning_content"]?.stringValue : nil }
    }

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
