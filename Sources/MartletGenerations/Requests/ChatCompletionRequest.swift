package import MartletConversation
package import MartletJSON

/// A chat to complete, validated. The model's template renders the messages.
///
/// `MartletAPI` reads this value from JSON; other callers fill it themselves.
package struct ChatCompletionRequest: Sendable, Equatable {
    /// The part of the last message that the output continues.
    package enum Continuation: Sendable {
        /// The content, or the reasoning of a message that has only reasoning.
        case any
        /// The content, behind reasoning that has ended.
        case content
        /// The reasoning. The message's content is left out of the prompt.
        case reasoning
    }

    /// The conversation, at least one message.
    package var messages: [ConversationMessage]
    /// Whether the template opens an assistant's turn behind the messages.
    package var addsGenerationPrompt = true
    /// Values that the template sees by name: `chat_template_kwargs`, `enable_thinking`, `reasoning_effort`.
    package var templateArguments: JSONObject = [:]
    package var tools = ConversationTools()
    /// How the output continues the last message, which is then an assistant's; nil if it opens a turn of its own.
    package var continuation: Continuation?
    /// The largest number of reasoning tokens; nil = no limit.
    package var reasoningBudget: Int?
    /// The same limit for the user's whole turn: it includes the reasoning of messages behind the user's last one.
    package var reasoningTurnBudget: Int?
    /// Text that the engine adds in the model's name before it closes reasoning at the budget.
    package var reasoningMessage = ""
    /// The indexes of messages up to which the client asks to pin the prompt, ascending.
    package var pinnedMessages: [Int] = []
    package var options: CompletionOptions

    /// Makes a request without tools, continuation and budgets.
    package init(messages: [ConversationMessage], options: CompletionOptions) {
        self.messages = messages
        self.options = options
    }

    /// Whether reasoning is part of the content.
    package var includesReasoningInContent: Bool { options.reasoningFormat.isInContent(streams: options.streams) }

    /// The reasoning of the assistant's messages behind the user's last message.
    package var priorReasoning: [String] {
        let turn = messages.lastIndex { $0.role == .user }.map { messages[($0 + 1)...] } ?? messages[...]
        return turn.compactMap { $0.role == .assistant ? $0.reasoning : nil }
    }
}
