import MartletJSON
import OrderedCollections

/// The messages so far. The server has no memory of a chat, so each request contains all of them.
struct Conversation: Sendable, Equatable {
    /// A message with the role `system`, `user` or `assistant`.
    struct Message: Sendable, Equatable {
        var role: String
        var content: String
    }

    /// The system message; `nil` = none. It stays when the messages are cleared.
    var system: String?
    /// The model's name in requests; `nil` = the server's default.
    var model: String?
    /// Settings of requests, e.g. `temperature`, by their names in the API.
    var settings: JSONObject = [:]
    private(set) var messages: [Message] = []

    /// A conversation without messages, or a stored one.
    init(system: String? = nil, model: String? = nil, messages: [Message] = []) {
        self.system = system
        self.model = model
        self.messages = messages
    }

    /// Appends a message of the person.
    mutating func appendUser(_ text: String) { messages.append(Message(role: "user", content: text)) }

    /// Appends a reply, complete or stopped. An empty reply is not appended.
    mutating func appendAssistant(_ text: String) {
        if !text.isEmpty { messages.append(Message(role: "assistant", content: text)) }
    }

    /// Removes the last message if it has no reply.
    /// - Returns: Its text; `nil` if the last message has a reply.
    @discardableResult
    mutating func removeUnansweredMessage() -> String? {
        messages.last?.role == "user" ? messages.removeLast().content : nil
    }

    /// Removes all messages. System message, model and settings stay.
    mutating func clear() { messages.removeAll() }

    /// Replaces all messages, e.g. with those of another version.
    mutating func replace(with messages: [Message]) { self.messages = messages }

    /// Removes the last reply, so that its message can be sent again.
    /// - Returns: The message to send; `nil` if there is none.
    mutating func retry() -> String? {
        if messages.last?.role == "assistant" { messages.removeLast() }
        guard let last = messages.last, last.role == "user" else { return nil }
        return last.content
    }

    /// Removes the end of the last reply from the last `text` on; without a text, the last reply and its message.
    /// - Returns: Whether something was removed.
    mutating func rewind(to text: String?) -> Bool {
        guard let last = messages.last, last.role == "assistant" else { return false }
        guard let text else {
            messages.removeLast()
            removeUnansweredMessage()
            return true
        }
        guard let start = Self.lastIndex(of: text, in: last.content) else { return false }
        messages.removeLast()
        appendAssistant(String(last.content[..<start]))
        return true
    }

    /// The request body of `POST /v1/chat/completions`.
    /// - Parameters:
    ///   - streams: Whether the response is an event stream with the progress of the prompt.
    ///   - extra: Further members, e.g. `response_format`.
    func requestBody(streams: Bool = true, extra: JSONObject = [:]) -> [UInt8] {
        var all = messages
        if let system { all.insert(Message(role: "system", content: system), at: 0) }
        let list = all.map { JSONValue.object(["role": .string($0.role), "content": .string($0.content)]) }
        var body: JSONObject = ["messages": .array(list), "stream": .bool(streams)]
        if streams { body["return_progress"] = true }
        if let model { body["model"] = .string(model) }
        body.merge(settings) { $1 }
        body.merge(extra) { $1 }
        var bytes: [UInt8] = []
        JSONValue.object(body).write(to: &bytes)
        return bytes
    }

    /// The start of the last occurrence; `nil` if there is none or the text is empty.
    private static func lastIndex(of text: String, in content: String) -> String.Index? {
        guard !text.isEmpty else { return nil }
        var index = content.endIndex
        while index > content.startIndex {
            index = content.index(before: index)
            if content[index...].hasPrefix(text) { return index }
        }
        return nil
    }
}
