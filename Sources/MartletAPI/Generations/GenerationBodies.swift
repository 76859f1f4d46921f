import MartletGenerations
package import MartletJSON
import MartletProtocol
package import MartletStreams
import OrderedCollections

/// JSON of the routes below `/v1/generations`.
package enum GenerationBodies {
    /// The status of a generation: its identity, state, counts and end. Times are seconds since 1970.
    package static func status(_ spec: GenerationSpec, _ status: GenerationStatus) -> JSONValue {
        var members: JSONObject = [
            "id": .string(spec.responseID), "object": "generation", "state": .string(status.state.rawValue),
            "model": .string(spec.head.model), "label": spec.label.map { .string($0) } ?? .null,
            "background": .bool(spec.lifetime == .background), "stream": .bool(spec.streams),
            "created": .integer(spec.head.created),
            "finished": status.finished.map { .integer($0) } ?? .null,
            "tokens": .integer(Int64(status.tokenCount)),
            "last_event": status.lastEvent.map { .integer(Int64($0)) } ?? .null,
            "finish_reason": .null,
            "queue_position": status.queuePosition.map { .integer(Int64($0)) } ?? .null,
        ]
        // `finish_reason` is null until the end.
        switch status.end {
        case .finished(let completion):
            members["finish_reason"] = .string(
                completion.reason == .cancelled ? "cancelled" : "\(completion.reason.finishReason)")
        case .failed(let error):
            members["finish_reason"] = "error"
            members["error"] = APIError(error).object
        default: break
        }
        return .object(members)
    }

    /// The phases of a generation in milliseconds, with rates in tokens per second.
    ///
    /// A value that is unknown, or not known yet, is `null`: a restart loses times of the process before.
    package static func timing(
        _ spec: GenerationSpec, _ status: GenerationStatus, _ timing: GenerationTiming
    ) -> JSONValue {
        let (timeline, engine) = (timing.timeline, timing.engine)
        // Rounded to microseconds.
        func milliseconds(_ duration: Duration?) -> JSONValue {
            duration.map { .number(($0 / .microseconds(1)).rounded() / 1_000) } ?? .null
        }
        func count(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        func speed(_ value: Double?) -> JSONValue { value.map { .number(($0 * 100).rounded() / 100) } ?? .null }
        // The engine's counts are exact; the log's are known earlier.
        let prompt = engine?.promptTokens ?? timing.promptTokens
        let cached = engine?.cachedTokens ?? timing.cachedTokens
        // Both counts are needed; either may be unknown after a restart.
        let computed = prompt.flatMap { prompt in cached.map { prompt - $0 } }
        return [
            "id": .string(spec.responseID), "object": "generation.timing", "state": .string(status.state.rawValue),
            "tokens": [
                "prompt": count(prompt), "cached": count(cached), "read": count(computed),
                "generated": count(engine?.predictedTokens ?? timing.tokenCount),
            ],
            "milliseconds": [
                "total": milliseconds(timing.total),
                "load": milliseconds(timeline[.submitted]),
                "tokenize": milliseconds(timeline.time(from: .submitted, to: .admitted)),
                "queue": milliseconds(timeline.time(from: .admitted, to: .started)),
                "prompt": milliseconds(timeline.time(from: .started, to: .firstToken)),
                "first_token": milliseconds(timeline[.firstToken]),
                "decode": milliseconds(timeline.time(from: .firstToken, to: .ended)),
                "sampling": milliseconds(engine?.samplingTime),
                "grammar": milliseconds(engine?.grammarTime),
                "readers": milliseconds(timing.delivery.time),
            ],
            "tokens_per_second": ["prompt": speed(engine?.promptSpeed), "decode": speed(engine?.decodeSpeed)],
            "bytes_to_readers": count(timing.delivery.byteCount),
        ]
    }
}

/// The body of llama-server's `/v1/streams/lookup`, and the entries of its response.
package struct StreamLookup: Sendable, Equatable {
    /// The labels to look up.
    package var conversationIDs: [String]
    /// Ids of one request.
    package static let maximumCount = 1_000

    /// - Throws: `invalidRequest` if the list is missing, too long or has an element that is no string.
    package init(_ json: JSONValue) throws(APIError) {
        let name = "conversation_ids"
        guard let values = try FieldReader(json).array(name) else {
            throw .field(name, "A list of conversation ids is required, but the field is missing")
        }
        guard values.count <= Self.maximumCount else {
            throw .field(name, "At most \(Self.maximumCount) ids are allowed, but got \(values.count)")
        }
        var ids: [String] = []
        for (index, value) in values.enumerated() {
            guard let id = value.stringValue else {
                throw .field("\(name)[\(index)]", "Value must be a string, but got \(FieldReader.short(value))")
            }
            ids.append(id)
        }
        conversationIDs = ids
    }

    /// One stream of the response.
    /// - Parameter byteCount: the length of its encoded stream so far.
    package static func entry(_ spec: GenerationSpec, _ status: GenerationStatus, byteCount: Int) -> JSONValue {
        [
            "conversation_id": .string(spec.label ?? ""), "is_done": .bool(status.end != nil),
            "total_bytes": .integer(Int64(byteCount)), "started_at": .integer(spec.head.created),
            "completed_at": .integer(status.finished ?? 0),
        ]
    }
}
