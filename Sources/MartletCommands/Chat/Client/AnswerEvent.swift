import MartletJSON

/// A piece of an answer as it arrives.
enum AnswerEvent: Sendable, Equatable {
    case content(String)
    case thinking(String)
    /// The server ends the answer with an error.
    case failed(String)

    /// What one `chat.completion.chunk`, or an error in its place, says.
    static func events(inChunk data: [UInt8]) -> [AnswerEvent] {
        guard let chunk = try? JSONParser.parse(data) else { return [] }
        if let error = errorMessage(in: chunk) { return [.failed(error)] }
        guard let delta = chunk["choices"]?.arrayValue?.first?["delta"] else { return [] }
        var events: [AnswerEvent] = []
        if let text = delta["reasoning_content"]?.stringValue, !text.isEmpty { events.append(.thinking(text)) }
        if let text = delta["content"]?.stringValue, !text.isEmpty { events.append(.content(text)) }
        return events
    }

    /// The message of an error body.
    static func errorMessage(in body: JSONValue) -> String? {
        guard let error = body["error"] else { return nil }
        return error["message"]?.stringValue ?? error.stringValue ?? error.text
    }
}
