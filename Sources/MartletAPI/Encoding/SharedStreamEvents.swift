import MartletJSON
import MartletProtocol
import MartletStreams

/// The events that all of OpenAI's streams share.
enum SharedStreamEvents {
    static func appendDone(to bytes: inout [UInt8]) {
        JSONText.appendRaw("data: [DONE]\n\n", to: &bytes)
    }

    /// The error object, then the end of the stream.
    static func appendFailure(_ error: EngineError, to bytes: inout [UInt8]) {
        JSONText.appendRaw("data: ", to: &bytes)
        APIError(error).write(to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
        appendDone(to: &bytes)
    }

    static func appendPing(to bytes: inout [UInt8]) { ServerSentEvents.appendPing(to: &bytes) }

    /// What a reader gets last when the server ends under generation `id`: an event of its own, with an error for
    /// clients that do not know it.
    static func appendHandover(_ id: String, number: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw("event: handover\ndata: ", to: &bytes)
        let error = APIError(
            .unavailable, "The server restarts and then goes on with this answer; read on where 'resume' says")
        let resume: JSONValue = [
            "generation": .string(id), "last_event": .integer(Int64(number)),
            "url": .string("/v1/generations/\(id)/events?starting_after=\(number)"),
        ]
        // A client that looks at `choices` first finds none instead of failing.
        let body: JSONValue = ["error": error.object, "resume": resume, "choices": []]
        body.write(to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
    }

    /// As many bytes as `appendHandover` gives, which mean nothing: for those who read the stream later.
    static func appendHandoverTrace(_ id: String, number: Int, to bytes: inout [UInt8]) {
        var handover: [UInt8] = []
        appendHandover(id, number: number, to: &handover)
        ServerSentEvents.appendComment(byteCount: handover.count, to: &bytes)
    }
}
