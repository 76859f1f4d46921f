/// The generation that a client names.
package enum GenerationTarget: Sendable, Equatable {
    /// The generation's id, with or without the prefix of a wire format. On a WebSocket also the client's own name.
    case id(String)
    /// The label of a conversation; it points at the newest generation of the conversation.
    case conversation(String)
}
