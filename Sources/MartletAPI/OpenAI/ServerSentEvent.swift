import MartletJSON
import MartletProtocol

/// The events that all of OpenAI's streams share.
enum ServerSentEvent {
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
}
