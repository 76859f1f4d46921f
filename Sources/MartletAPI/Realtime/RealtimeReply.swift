package import MartletJSON
import OrderedCollections

/// What a server sends over a WebSocket: events of logs, and an answer to each message of the client.
package enum RealtimeReply {
    /// How `type` is spelt.
    package enum Kind: String, Sendable, CaseIterable {
        case event
        case ack
        case error
        case pong
    }

    /// What was asked for is done.
    /// - Parameter more: what else is told.
    package static func acknowledge(_ message: RealtimeMessage, id: String, _ more: JSONObject = [:]) -> [UInt8] {
        var members = head(.ack, message)
        members["id"] = .string(id)
        members.merge(more) { $1 }
        return frame(members)
    }

    /// What was asked for was refused.
    /// - Parameter message: `nil` = it could not be read.
    package static func refuse(_ message: RealtimeMessage?, _ error: APIError) -> [UInt8] {
        var members = head(.error, message)
        members["error"] = error.object
        return frame(members)
    }

    package static func pong(_ message: RealtimeMessage) -> [UInt8] {
        frame(head(.pong, message))
    }

    private static func head(_ kind: Kind, _ message: RealtimeMessage?) -> JSONObject {
        var members: JSONObject = ["type": .string(kind.rawValue)]
        if let type = message?.type { members["of"] = .string(String(type.prefix(64))) }
        if let requestID = message?.requestID { members["request_id"] = .string(requestID) }
        return members
    }

    private static func frame(_ members: JSONObject) -> [UInt8] {
        SocketFrame.bytes(.text, JSONValue.object(members).bytes)
    }
}
