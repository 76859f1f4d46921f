/// The summary of earlier messages, as the conversation of a later request has it.
package enum ConversationSummary {
    /// The text of the user's message that stands for the summarized messages.
    package static func message(_ summary: String) -> String { "A summary of the conversation so far:\n\n" + summary }
}
