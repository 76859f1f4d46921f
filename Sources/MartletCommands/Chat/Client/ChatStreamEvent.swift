import MartletJSON

/// A part of a response as it arrives.
enum ChatStreamEvent: Sendable, Equatable {
    case content(String)
    case reasoning(String)
    /// The response has begun. The id is the address for control commands.
    case began(id: String)
    /// A control command took effect at this position.
    /// - `contentBytes`: The length of the remaining content in bytes, after a rewind.
    case controlApplied(action: String, contentBytes: Int? = nil)
    /// The server ended the response with this error.
    case failed(String)

    /// Reads a `chat.completion.chunk` or an error event. Data in another form has no events.
    static func events(inChunk data: [UInt8]) -> [ChatStreamEvent] {
        guard let chunk = try? JSONParser.parse(data) else { return [] }
        if let error = errorMessage(in: chunk) { return [.failed(error)] }
        guard let delta = chunk["choices"]?.arrayValue?.first?["delta"] else { return [] }
        var events: [ChatStreamEvent] = []
        if let text = delta["reasoning_content"]?.stringValue, !text.isEmpty { events.append(.reasoning(text)) }
        if let text = delta["content"]?.stringValue, !text.isEmpty { events.append(.content(text)) }
        return events
    }

    /// Reads a comment about a control command. Other comments, such as pings, have no events.
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

    /// The message of an error body; `nil` if the body has no `error`.
    static func errorMessage(in body: JSONValue) -> String? {
        guard let error = body["error"] else { return nil }
        return error["message"]?.stringValue ?? error.stringValue ?? error.text
    }
}
