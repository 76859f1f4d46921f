package import MartletGenerations
package import MartletJSON
import MartletText
import OrderedCollections

/// A message that a client sends over a WebSocket.
///
/// Parsing has two steps: first the envelope, then the content. So an error of the content can name the message's id.
package struct RealtimeMessage: Sendable {
    /// The spelling of `type`.
    package enum Kind: String, Sendable, CaseIterable {
        case generate
        case attach
        case credit
        case control
        case detach
        /// The kinds of messages.
        case ping
    }

    /// The validated fields of each kind.
    package enum Content: Sendable, Equatable {
        /// Begins a generation.
        /// - `name`: the client's name for the generation on this WebSocket.
        /// - `request`: the body of a chat completion.
        /// - `untilEvent`: the first event that needs more credit; nil = unlimited credit.
        case generate(name: String, label: String?, request: JSONValue, untilEvent: Int?)
        /// Shows the log of a generation from an event on.
        case attach(GenerationTarget, fromEvent: Int, untilEvent: Int?)
        /// Allows the events below `untilEvent`.
        case credit(GenerationTarget, untilEvent: Int)
        /// - `command`: the body of a control command.
        case control(GenerationTarget, command: JSONValue)
        /// Stops showing the log. The generation continues.
        case detach(GenerationTarget)
        case ping
    }

    /// The field `type`, even if its value is unknown.
    package let type: String?
    /// The client's id of the message, which the reply repeats.
    package let requestID: String?
    private let json: JSONValue

    /// The most bytes of an id or a name.
    package static let nameLimit = 128

    /// Reads the envelope.
    /// - Throws: `invalidRequest` if the message is no object, or its id has a wrong type or length.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        self.json = json
        requestID = try Self.name("request_id", in: fields)
        type = try fields.string("type")
    }

    /// Reads the fields of the message's kind.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package func content() throws(APIError) -> Content {
        let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        guard let type else { throw .field("type", "One of \(known) is required, but the field is missing") }
        guard let kind = Kind(rawValue: type) else {
            throw .field("type", "Value must be one of \(known), but got \"\(type.excerpt(bytes: 64))\"")
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

    /// The body of the chat completion, with `stream` set.
    private static func request(_ fields: FieldReader) throws(APIError) -> JSONValue {
        guard let request = try fields.object("request") else {
            throw .field("request", "The body of a chat completion is required, but the field is missing")
        }
        // An explicit false contradicts the WebSocket; absence is the usual case.
        guard try request.bool("stream") != false else {
            throw .field("request.stream", "Value must be true or absent, as a WebSocket streams, but got false")
        }
        var members = request.members
        members["stream"] = true
        return .object(members)
    }

    /// A string of 1 to 128 bytes; nil if the field is absent.
    private static func name(_ field: String, in fields: FieldReader) throws(APIError) -> String? {
        guard let name = try fields.string(field) else { return nil }
        guard (1...nameLimit).contains(name.utf8.count) else {
            throw .field(field, "Value must have 1 to \(nameLimit) bytes, but has \(name.utf8.count)")
        }
        return name
    }
}

extension GenerationTarget {
    /// Reads the target of a message or a control command. An id takes precedence over a label.
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
