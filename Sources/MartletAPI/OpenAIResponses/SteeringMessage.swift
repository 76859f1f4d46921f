package import MartletJSON
import MartletStreams
import MartletText
import OrderedCollections

/// A message of the client that steers a running response of its WebSocket.
///
///     {"type": "response.steer", "previous_response_id": "resp_…", "input": "Use fewer words"}
///
/// The shapes are those of OpenAI's Python library 3.57 (`ResponseSteerEvent` and the events `response.steer.…`).
package struct SteeringMessage: Sendable, Equatable {
    /// The id of the response to steer, as the client wrote it.
    package var target: String
    /// The input as the client wrote it; a refusal returns it.
    package var input: JSONValue
    /// The messages of the user in `input`.
    package var items: [JSONValue]
    /// The rule that the message breaks; nil = it may be queued.
    package var problem: String?

    /// The bytes that the input has in a later request.
    package var byteCount: Int { JSONValue.array(items).bytes.count }

    /// Reads a message.
    ///
    /// - Throws: `invalidRequest` if the message names no response, so that no answer about it is possible.
    init(_ fields: FieldReader) throws(APIError) {
        guard let target = try fields.string("previous_response_id") else {
            throw .field("previous_response_id", "The id of a running response is required, but the field is missing")
        }
        self.target = target
        input = fields.value("input") ?? .null
        items = []
        do throws(APIError) {
            let allowed = ["type", "previous_response_id", "input", "event_id"]
            if let other = fields.members.keys.first(where: { name in !allowed.contains { $0.hasSameBytes(as: name) } })
            {
                throw .field(other, "Value must be absent in a message of type response.steer")
            }
            items = try Self.items(of: input)
        } catch {
            problem = error.message
        }
    }

    /// The items of an input: one message of the user for a text, or the messages of a list that is not empty.
    private static func items(of input: JSONValue) throws(APIError) -> [JSONValue] {
        if let text = input.stringValue, !text.isEmpty {
            return [["type": "message", "role": "user", "content": [["type": "input_text", "text": .string(text)]]]]
        }
        guard let items = input.arrayValue, !items.isEmpty else {
            throw .field("input", "A text or a list of at least one message of the user is required")
        }
        for (index, item) in items.enumerated() {
            let location = "input[\(index)]"
            guard item["role"] == "user", (item["type"] ?? "message") == "message" else {
                throw .field(location, "Only messages of the role user can steer a response")
            }
            for name in item.objectValue.map({ Array($0.keys) }) ?? []
            where !["type", "role", "content"].contains(where: { $0.hasSameBytes(as: name) }) {
                throw .field("\(location).\(name)", "Value must be absent in a message that steers a response")
            }
            var reader = ResponseItemReader()
            try reader.read(item, at: location)
        }
        return items
    }
}

/// The server's messages about input that steers a response.
package enum SteeringFrames {
    /// Codes of refusals, as OpenAI's API names them.
    package enum Code: String, Sendable {
        case unknown = "response_not_found"
        case invalidInput = "invalid_input"
        case notSupported = "steering_not_supported"
        case tooMany = "too_many_pending_steers"
        case completed = "response_already_completed"
        case notActive = "response_not_active"
        case noSuccessor = "successor_creation_failed"
    }

    /// The frame that says that input is queued.
    ///
    /// - Parameters:
    ///   - id: the id of the queued input.
    ///   - number: the number of the event among those about steering.
    ///   - stream: the lane of the response.
    package static func accepted(_ id: String, of target: String, number: Int, stream: String?) -> [UInt8] {
        frame("accepted", steer(id, of: target), [:], number, stream)
    }

    /// The frame that returns input which no later response has.
    /// - Parameter id: the id of the queued input; nil if it was never queued.
    package static func failed(
        _ id: String?, of target: String, input: JSONValue, _ code: Code, _ message: String, number: Int,
        stream: String?
    ) -> [UInt8] {
        var steer = steer(id, of: target)
        steer["input"] = input
        let error: JSONValue = [
            "type": "invalid_request_error", "code": .string(code.rawValue), "message": .string(message),
        ]
        return frame("failed", steer, ["error": error], number, stream)
    }

    /// The frame that says that queued input waits for the outputs of calls.
    /// - Parameter required: the items that the client has to complete, as `requiredInput` makes them.
    package static func pending(
        _ id: String, of target: String, required: [JSONValue], number: Int, stream: String?
    ) -> [UInt8] {
        frame(
            "pending", steer(id, of: target),
            ["reason": "waiting_for_required_input", "required_input": .array(required)], number, stream)
    }

    /// The outputs that the next request has to bring: one item for each call of a response.
    package static func requiredInput(of response: JSONValue) -> [JSONValue] {
        (response["output"]?.arrayValue ?? []).compactMap { item in
            switch item["type"] {
            case "function_call"?:
                [
                    "type": "function_call_output", "call_id": item["call_id"] ?? .null,
                    "name": item["name"] ?? .null,
                ]
            case "custom_tool_call"?: ["type": "custom_tool_call_output", "call_id": item["call_id"] ?? .null]
            default: nil
            }
        }
    }

    private static func steer(_ id: String?, of target: String) -> JSONObject {
        var steer: JSONObject = id.map { ["id": .string($0)] } ?? [:]
        steer["previous_response_id"] = .string(target)
        return steer
    }

    private static func frame(
        _ name: String, _ steer: JSONObject, _ more: JSONObject, _ number: Int, _ stream: String?
    ) -> [UInt8] {
        var members: JSONObject = [
            "type": .string("response.steer.\(name)"), "sequence_number": .integer(Int64(number)),
            "steer": .object(steer),
        ]
        members.merge(more) { $1 }
        if let stream { members["stream_id"] = .string(stream) }
        return SocketFrame.bytes(.text) { JSONValue.object(members).write(to: &$0) }
    }
}
