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
    package var reasoningFormat: ReasoningFormat
    package var tools: ToolFields
    /// Whether the last message is an assistant's that the answer goes on with.
    package var continuesLastMessage: Bool
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
        let isAssistant = messages.last?["role"] == "assistant" && messages.last?["tool_calls"] == nil
        let continues = try fields.bool("continue_final_message")
        if continues == true, !isAssistant {
            throw .field(
                "continue_final_message",
                "The last message must be an assistant's without tool_calls, but its role is "
                    + (messages.last?["role"].map(FieldReader.short) ?? "none"))
        }
        continuesLastMessage = isAssistant && addsGenerationPrompt && continues != false
        templateArguments = try Self.templateArguments(fields)
        let budget = try ReasoningBudgetFields.budget(fields) ?? defaults.reasoningBudget
        reasoningBudget = budget == -1 ? nil : budget
        let turnBudget = try ReasoningBudgetFields.turnBudget(fields) ?? defaults.reasoningTurnBudget
        reasoningTurnBudget = turnBudget == -1 ? nil : turnBudget
        reasoningMessage = try ReasoningBudgetFields.message(fields) ?? defaults.reasoningMessage
        reasoningFormat = defaults.reasoningFormat
        if let name = try fields.string("reasoning_format") {
            guard let format = ReasoningFormat(rawValue: name) else {
                let known = ReasoningFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw .field("reasoning_format", "Value must be one of \(known), but got \"\(name)\"")
            }
            reasoningFormat = format
        }
    }

    /// Whether thinking is part of the answer's text.
    package var keepsReasoningInContent: Bool {
        switch reasoningFormat {
        case .none: true
        case .deepseekLegacy: options.streams
        case .auto, .deepseek: false
        }
    }

    /// What the assistant has thought since the user spoke last.
    package var spentReasoning: [String] {
        let turn = messages.lastIndex { $0["role"] == "user" }.map { messages[($0 + 1)...] } ?? messages[...]
        return turn.compactMap { $0["role"] == "assistant" ? $0["reasoning_content"]?.stringValue : nil }
    }

    private static func templateArguments(_ fields: FieldReader) throws(APIError) -> JSONObject {
        let given = try fields.object("chat_template_kwargs")
        _ = try given?.bool("enable_thinking")
        var arguments = given?.members ?? [:]
        if let thinking = try fields.bool("enable_thinking") { arguments["enable_thinking"] = .bool(thinking) }
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
