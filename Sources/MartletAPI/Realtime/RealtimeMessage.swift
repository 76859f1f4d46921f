package import MartletJSON
import OrderedCollections

/// What a client sends over a WebSocket.
///
/// In two steps, so that a message of an unknown kind, or one whose fields are wrong, is refused under its own name.
package struct RealtimeMessage: Sendable {
    /// How `type` is spelt.
    package enum Kind: String, Sendable, CaseIterable {
        case generate
        case attach
        case credit
        case control
        case detach
        case ping
    }

    package enum Content: Sendable, Equatable {
        /// - `name`: what the client calls the new generation on this WebSocket.
        /// - `request`: the body of a chat completion.
        /// - `untilEvent`: the first event that is not to come before a credit; `nil` = all may come.
        case generate(name: String, label: String?, request: JSONValue, untilEvent: Int?)
        case attach(GenerationTarget, fromEvent: Int, untilEvent: Int?)
        case credit(GenerationTarget, untilEvent: Int)
        /// - `command`: as the routes for orders take it.
        case control(GenerationTarget, command: JSONValue)
        case detach(GenerationTarget)
        case ping
    }

    /// As the client wrote it.
    package let type: String?
    /// What the client calls the message, so that it knows the answer.
    package let requestID: String?
    private let json: JSONValue

    package static let nameLimit = 128

    /// - Throws: when it is no object, or its name is none.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        self.json = json
        requestID = try Self.name("request_id", in: fields)
        type = try fields.string("type")
    }

    /// - Throws: what is wrong with its fields.
    package func content() throws(APIError) -> Content {
        let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        guard let type else { throw .field("type", "One of \(known) is required, but the field is missing") }
        guard let kind = Kind(rawValue: type) else {
            throw .field("type", "Value must be one of \(known), but got \"\(type.prefix(64))\"")
        }
        let fields = try FieldReader(json)
        switch kind {
        case .generate:
            guard let name = try Self.name("id", in: fields) else {
                throw .field("id", "A name for the new generation is required, but the field is missing")
            }
            return .generate(
                name: name, label: try fields.string("conversation_id"), request: try Self.request(fields),
                untilEvent: try fields.integer("until_event", in: 0 ... .max))
        case .attach:
            return .attach(
                try GenerationTarget(fields), fromEvent: try fields.integer("from_event", in: 0 ... .max) ?? 0,
                untilEvent: try fields.integer("until_event", in: 0 ... .max))
        case .credit:
            guard let end = try fields.integer("until_event", in: 0 ... .max) else {
                throw .field("until_event", "The number of an event is required, but the field is missing")
            }
            return .credit(try GenerationTarget(fields), untilEvent: end)
        case .control: return .control(try GenerationTarget(fields), command: json)
        case .detach: return .detach(try GenerationTarget(fields))
        case .ping: return .ping
        }
    }

    /// The body, as one that streams.
    private static func request(_ fields: FieldReader) throws(APIError) -> JSONValue {
        guard let request = try fields.object("request") else {
            throw .field("request", "The body of a chat completion is required, but the field is missing")
        }
        guard try request.bool("stream") != false else {
            throw .field("request.stream", "Value must be true or absent, as a WebSocket streams, but got false")
        }
        var members = request.members
        members["stream"] = true
        return .object(members)
    }

    private static func name(_ field: String, in fields: FieldReader) throws(APIError) -> String? {
        guard let name = try fields.string(field) else { return nil }
        guard (1...nameLimit).contains(name.utf8.count) else {
            throw .field(field, "Value must have 1 to \(nameLimit) bytes, but has \(name.utf8.count)")
        }
        return name
    }
}

/// Which generation a client means.
package enum GenerationTarget: Sendable, Equatable {
    /// With or without the prefix of a wire format; on a WebSocket also the client's own name for it.
    case id(String)
    /// The newest of a conversation.
    case conversation(String)

    package init(_ fields: FieldReader) throws(APIError) {
        if let id = try fields.string("id") {
            self = .id(id)
        } else if let label = try fields.string("conversation_id") {
            self = .conversation(label)
        } else {
            throw .field("id", "Either 'id' or 'conversation_id' is required, but both are missing")
        }
    }
}
