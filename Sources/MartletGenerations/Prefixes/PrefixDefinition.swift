internal import MartletChat
internal import MartletConversation
package import MartletProtocol
package import MartletStreams

/// The beginning of prompts that a client wants to pin, validated.
package enum PrefixDefinition: Sendable {
    /// The first messages of conversations, with their tools.
    case chat(ChatCompletionRequest)
    /// The first text or tokens of plain prompts.
    case prompt(Prompt)
}

extension ServedModel {
    /// The prompt that computes a prefix. A boundary at its end is pinned.
    /// - Throws: the template's own message if it refuses the messages.
    package func prompt(of definition: PrefixDefinition) throws(GenerationError) -> Prompt {
        switch definition {
        case .chat(let chat): return try commonBeginning(of: chat).prompt
        case .prompt(var prompt):
            prompt.boundaries.append(PromptBoundary(.message, piece: prompt.pieces.count, offset: 0, isPinned: true))
            return prompt
        }
    }

    /// The text that the prompts of all conversations with these first messages have in common.
    ///
    /// The messages are rendered with two different next messages. The common part is what every such prompt begins
    /// with, whatever the template writes around messages.
    private func commonBeginning(of chat: ChatCompletionRequest) throws(GenerationError) -> RenderedPrompt {
        let nextRole = chat.messages.last?.role == .user ? ConversationMessage.Role.assistant : .user
        func rendered(_ next: String) throws(GenerationError) -> RenderedPrompt {
            var whole = chat
            whole.messages.append(ConversationMessage(nextRole, next))
            whole.addsGenerationPrompt = false
            whole.continuation = nil
            return try render(whole)
        }
        var beginning = try rendered("Alpha")
        beginning.cut(toCommonBeginningWith: try rendered("omega"))
        guard !beginning.segments.isEmpty else {
            throw .field(
                "messages", "The model's chat template writes nothing of these messages that later prompts share")
        }
        return beginning
    }
}
