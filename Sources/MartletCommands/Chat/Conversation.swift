import MartletJSON
import OrderedCollections

/// The messages so far. The server has no memory of a chat, so each request contains all of them.
struct Conversation: Sendable {
    /// A message with the role `system`, `user` or `assistant`.
    struct Message: Sendable, Equatable {
        var role: String
        var content: String
    }

    /// The system message; `nil` = none. It stays when the messages are cleared.
    var system: String?
    /// The model's name in requests; `nil` = the server's default.
    var model: String?
    private(set) var messages: [Message] = []

    /// A conversation without messages.
    init(system: String? = nil) { self.system = system }

    /// Appends a message of the person.
    mutating func appendUser(_ text: String) { messages.append(Message(role: "user", content: text)) }

    /// Appends a reply, complete or stopped. An empty reply is not appended.
    mutating func appendAssistant(_ text: String) {
        if !text.isEmpty { messages.append(Message(role: "assistant", content: text)) }
    }

    /// Removes the last message if it has no reply.
    mutating func removeUnansweredMessage() {
        if messages.last?.role == "user" { messages.removeLast() }
    }

    /// Removes all messages. System message and model stay.
    mutating func clear() { messages.removeAll() }

    /// Removes the last reply, so that its message can be sent again.
    /// - Returns: Whether there is a message to send.
    mutating func retry() -> Bool {
        if messages.last?.role == "assistant" { messages.removeLast() }
        return messages.last?.role == "user"
    }

    /// The body of `POST /v1/chat/completions`.
    func requestBody() -> [UInt8] {
        var all = messages
        if let system { all.insert(Message(role: "system", content: system), at: 0) }
        let list = all.map { JSONValue.object(["role": .string($0.role), "content": .string($0.content)]) }
        var body: JSONObject = ["messages": .array(list), "stream": true]
        if let model { body["model"] = .string(model) }
        var bytes: [UInt8] = []
        JSONValue.object(body).write(to: &bytes)
        return bytes
    }
}
