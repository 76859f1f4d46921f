package import MartletJSON
import MartletStreams

/// A message that a client sends over a WebSocket of Responses.
///
///     {"type": "response.create", "model": "m", "input": "Hi", "store": false}
///
/// The fields beside `type` and `stream_id` are those of `POST /v1/responses`.
package enum ResponseSocketMessage: Sendable, Equatable {
    /// Begins a response. Responses of one stream run one after another; those of different streams run together.
    case create(request: JSONValue, stream: String?)
    /// Stops the running response of a stream.
    case cancel(stream: String?)
    /// Queues input for the end of a running response.
    case steer(SteeringMessage)

    /// The most bytes of `stream_id`.
    package static let streamLimit = 128
    private static let types = "response.create, response.cancel, response.steer"

    /// Reads a message.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        if try fields.string("type") == "response.steer" {
            self = .steer(try SteeringMessage(fields))
            return
        }
        let stream = try Self.stream(fields)
        switch try fields.string("type") {
        case "response.create"?:
            var members = fields.members
            for name in ["type", "stream_id", "event_id"] { members[name] = nil }
            guard try fields.bool("stream") != false else {
                throw .field("stream", "Value must be true or absent, as a WebSocket streams, but got false")
            }
            guard try fields.bool("background") != true else {
                throw .field("background", "Value must be false or absent over a WebSocket, but got true")
            }
            members["stream"] = true
            self = .create(request: .object(members), stream: stream)
        case "response.cancel"?: self = .cancel(stream: stream)
        case let type?:
            throw .field("type", "Value must be one of \(Self.types), but got \(FieldReader.short(.string(type)))")
        case nil: throw .field("type", "One of \(Self.types) is required, but the field is missing")
        }
    }

    /// `stream_id` of a message; nil if it has none, or a wrong one.
    package static func streamOfRefused(_ json: JSONValue) -> String? {
        (try? FieldReader(json)).flatMap { try? stream($0) }
    }

    private static func stream(_ fields: FieldReader) throws(APIError) -> String? {
        guard let stream = try fields.string("stream_id") else { return nil }
        guard (1...streamLimit).contains(stream.utf8.count) else {
            throw .field("stream_id", "Value must have 1 to \(streamLimit) bytes, but has \(stream.utf8.count)")
        }
        return stream
    }
}

/// The server's messages that belong to no response.
package enum ResponseSocketError {
    /// The frame of an error.
    /// - Parameter stream: the stream of the message that was refused.
    package static func frame(_ error: APIError, stream: String?) -> [UInt8] {
        SocketFrame.bytes(.text) { bytes in
            JSONText.appendRaw("{\"type\":\"error\",\"status\":", to: &bytes)
            JSONText.appendInteger(error.status, to: &bytes)
            JSONText.appendRaw(",\"error\":", to: &bytes)
            error.object.write(to: &bytes)
            bytes.append(contentsOf: ResponseFramesView.ending(of: stream))
        }
    }
}
