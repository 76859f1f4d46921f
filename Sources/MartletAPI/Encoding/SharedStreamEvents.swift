import MartletJSON
import MartletProtocol
import MartletStreams

/// Server-sent events that the streams of several dialects share.
enum SharedStreamEvents {
    /// Appends `[DONE]`, after which OpenAI's clients close the stream.
    static func appendDone(to bytes: inout [UInt8]) {
        JSONText.appendRaw("data: [DONE]\n\n", to: &bytes)
    }

    /// Appends the error object, then `[DONE]`.
    static func appendFailure(_ error: EngineError, to bytes: inout [UInt8]) {
        JSONText.appendRaw("data: ", to: &bytes)
        APIError(error).write(to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
        appendDone(to: &bytes)
    }

    /// Appends a comment line that keeps the connection alive.
    static func appendPing(to bytes: inout [UInt8]) { ServerSentEvents.appendPing(to: &bytes) }

    /// Appends a comment with the progress of the model's load: `: {"load_progress":{…}}`.
    ///
    /// For dialects whose clients know no such event. A comment keeps the connection alive like a ping.
    static func appendComment(_ wait: ModelWait, to bytes: inout [UInt8]) {
        JSONText.appendRaw(": {", to: &bytes)
        Accounting.writeWait(wait, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends the last event of a stream whose generation continues in the next server process.
    ///
    /// The event has a type of its own. It also carries an error, for clients that ignore the type.
    static func appendHandover(_ id: String, number: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw("event: handover\ndata: ", to: &bytes)
        // The length of this text must not change: byte offsets of streams of earlier versions include it.
        let error = APIError(
            .unavailable, "The server restarts and continues this generation; the rest is at the 'resume' URL")
        let resume: JSONValue = [
            "generation": .string(id), "last_event": .integer(Int64(number)),
            "url": .string("/v1/generations/\(id)/events?starting_after=\(number)"),
        ]
        // A client that reads `choices` first finds an empty list instead of a missing member.
        let body: JSONValue = ["error": error.object, "resume": resume, "choices": []]
        body.write(to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
    }

    /// Appends a comment with as many bytes as `appendHandover` appends.
    ///
    /// A client that resumes by byte offset counts the hand-over that it received. The encoding of the whole log must
    /// have
    /// the same length.
    static func appendHandoverTrace(_ id: String, number: Int, to bytes: inout [UInt8]) {
        var handover: [UInt8] = []
        appendHandover(id, number: number, to: &handover)
        ServerSentEvents.appendComment(byteCount: handover.count, to: &bytes)
    }
}
