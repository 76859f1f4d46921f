import MartletJSON
import OrderedCollections

/// What was said so far, as the server is told it again with every message.
struct Conversation: Sendable {
    struct Message: Sendable, Equatable {
        var role: String
        var content: String
    }

    var system: String?
    /// `nil` = whichever the server has.
    var model: String?
    private(set) var messages: [Message] = []

    init(system: String? = nil) { self.system = system }

    mutating func appendUser(_ text: String) { messages.append(Message(role: "user", content: text)) }

    /// Keeps an answer, also one that was stopped. An empty one is not kept.
    mutating func appendAssistant(_ text: String) {
        if !text.isEmpty { messages.append(Message(role: "assistant", content: text)) }
    }

    /// Takes the last question back, after which no answer came.
    mutating func removeUnansweredMessage() {
        if messages.last?.role == "user" { messages.removeLast() }
    }

    mutating func clear() { messages.removeAll() }

    /// Drops the last answer, so that its question is asked again.
    /// - Returns: Whether there is a question.
    mutating func retry() -> Bool {
        if messages.last?.role == "assistant" { messages.removeLast() }
        return messages.last?.role == "user"
    }

    /// Body of `POST /v1/chat/completions`.
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
