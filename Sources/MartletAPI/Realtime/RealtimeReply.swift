import MartletGenerations
package import MartletJSON
import MartletText
import OrderedCollections

/// The server's messages over a WebSocket: events of logs, and one reply per message of the client.
package enum RealtimeReply {
    /// The spelling of `type`.
    package enum Kind: String, Sendable, CaseIterable {
        case event
        case ack
        case error
        case pong
    }

    /// The reply to a message that was executed.
    /// - Parameters:
    ///   - id: the generation's id.
    ///   - more: further members of the reply.
    package static func acknowledge(_ message: RealtimeMessage, id: String, _ more: JSONObject = [:]) -> [UInt8] {
        var members = head(.ack, message)
        members["id"] = .string(id)
        members.merge(more) { $1 }
        return frame(members)
    }

    /// The reply to a message that was refused.
    /// - Parameter message: nil if the envelope could not be read.
    package static func refuse(_ message: RealtimeMessage?, _ error: APIError) -> [UInt8] {
        var members = head(.error, message)
        members["error"] = error.object
        return frame(members)
    }

    /// The reply to a message of type `ping`, which clients send to measure the round trip.
    package static func pong(_ message: RealtimeMessage) -> [UInt8] {
        frame(head(.pong, message))
    }

    /// The members that all replies share: `of` and `request_id` repeat the client's.
    private static func head(_ kind: Kind, _ message: RealtimeMessage?) -> JSONObject {
        var members: JSONObject = ["type": .string(kind.rawValue)]
        if let type = message?.type { members["of"] = .string(String(type.beginning(bytes: 64))) }
        if let requestID = message?.requestID { members["request_id"] = .string(requestID) }
        return members
    }

    /// A text frame with a JSON object.
    private static func frame(_ members: JSONObject) -> [UInt8] {
        SocketFrame.bytes(.text, JSONValue.object(members).bytes)
    }
}
