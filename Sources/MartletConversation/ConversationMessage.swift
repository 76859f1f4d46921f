package import MartletJSON

/// A message of a conversation, in the form that every dialect reads into.
///
/// A dialect's decoder makes it from its wire format, and the chat template renders it. The parts are in the order of
/// the client's message. Example: an assistant's turn is `[.reasoning, .text, .toolCall, .toolCall]`.
package struct ConversationMessage: Sendable, Equatable {
    /// The author of a message. Templates of models decide which roles they render.
    package enum Role: String, Sendable, CaseIterable {
        case system
        /// Instructions of the application's author; `system` for most templates.
        case developer
        case user
        case assistant
        /// The result of a tool call.
        case tool
        /// The result of a call of OpenAI's older `functions`.
        case function
    }

    package var role: Role
    /// Texts, media, reasoning, calls and results, in their order.
    package var parts: [ConversationPart]
    /// Whether the content is one text, which a template receives as a string. False = a list of parts.
    package var isPlain: Bool
    /// The author's name, or the name of the called function; nil = none.
    package var name: String?
    /// Members that have no meaning here and that only a template may read, by their names.
    package var templateMembers: JSONObject = [:]

    /// Makes a message of parts.
    /// - Parameter isPlain: whether the text parts together are one text.
    package init(_ role: Role, parts: [ConversationPart], isPlain: Bool = false) {
        self.role = role
        self.parts = parts
        self.isPlain = isPlain
    }

    /// Makes a message of one text.
    package init(_ role: Role, _ text: String) {
        self.init(role, parts: [.text(text)], isPlain: true)
    }

    /// The texts of the content, without reasoning and results.
    package var texts: [String] {
        parts.compactMap { if case .text(let text) = $0 { text } else { nil } }
    }

    /// The reasoning of all reasoning parts, joined by line feeds; nil if the message has none that can be read.
    package var reasoning: String? {
        let texts = parts.compactMap { part in
            if case .reasoning(let part) = part, part.redacted == nil { part.text } else { nil }
        }
        return texts.isEmpty ? nil : texts.joined(separator: "\n")
    }

    /// The calls in their order.
    package var toolCalls: [ToolCallPart] {
        parts.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
    }

    /// The results of tools in their order.
    package var toolResults: [ToolResultPart] {
        parts.compactMap { if case .toolResult(let result) = $0 { result } else { nil } }
    }
}
