import MartletJSON

/// A piece of an answer as it arrives.
enum ChatStreamEvent: Sendable, Equatable {
    case content(String)
    case reasoning(String)
    /// By which the answer can be given orders.
    case began(id: String)
    /// An order took effect here.
    /// - `contentBytes`: of a rewind: how much of the content is left.
    case controlApplied(action: String, contentBytes: Int? = nil)
    /// The server ends the answer with an error.
    case failed(String)

    /// What one `chat.completion.chunk`, or an error in its place, says.
    static func events(inChunk data: [UInt8]) -> [ChatStreamEvent] {
        guard let chunk = try? JSONParser.parse(data) else { return [] }
        if let error = errorMessage(in: chunk) { return [.failed(error)] }
        guard let delta = chunk["choices"]?.arrayValue?.first?["delta"] else { return [] }
        var events: [ChatStreamEvent] = []
        if let text = delta["reasoning_content"]?.stringValue, !text.isEmpty { events.append(.reasoning(text)) }
        if let text = delta["content"]?.stringValue, !text.isEmpty { events.append(.content(text)) }
        return events
    }

    /// What a comment says, if it is of an order.
    static func events(inComment comment: [UInt8]) -> [ChatStreamEvent] {
        let beginning = "martlet-control "
        guard comment.starts(with: beginning.utf8),
            let control = try? JSONParser.parse(comment.dropFirst(beginning.utf8.count)),
            let action = control["action"]?.stringValue
        else { return [] }
        return [
            .controlApplied(action: action, contentBytes: control["content_bytes"]?.integerValue.flatMap { Int($0) })
        ]
    }

    /// The message of an error body.
    static func errorMessage(in body: JSONValue) -> String? {
        guard let error = body["error"] else { return nil }
        return error["message"]?.stringValue ?? error.stringValue ?? error.text
    }
}
