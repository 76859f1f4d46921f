import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections

/// A stored generation for people.
extension StoredGeneration {
    /// One or two words.
    var stateText: String {
        guard case .engine(let event)? = inputs.last else { return "unfinished" }
        switch event.kind {
        case .finished(let completion, _): return completion.reason == .cancelled ? "cancelled" : "finished"
        case .failed: return "failed"
        default: return "unfinished"
        }
    }

    /// Everything that the model wrote, its delimiters included: of each choice.
    var outputs: [[UInt8]] {
        var outputs = [[UInt8]](repeating: [], count: head.choiceCount)
        for case (let choice, .engine(let event)) in numberedInputs {
            switch event.kind {
            case .token(_, let text), .finished(_, let text): outputs[choice] += text
            default: break
            }
        }
        return outputs
    }

    /// The client's request.
    var body: JSONValue { (try? JSONParser.parse(head.storedRequest))?["body"] ?? .null }

    /// What is known of it but for texts.
    var facts: JSONObject {
        [
            "id": .string(head.responseID), "state": .string(stateText), "created": .integer(head.log.created),
            "last_change": .integer(lastChange / 1_000), "model": .string(head.log.model),
            "owner": .string(head.owner.rawValue), "label": head.label.map { .string($0) } ?? .null,
            "lifetime": .string(head.lifetime.rawValue), "stream": .bool(head.streams),
            "tokens": .integer(Int64(tokens.count)), "error": errorText.map { .string($0) } ?? .null,
            "bytes": .integer(Int64(extent.byteCount)),
        ]
    }

    private var errorText: String? {
        guard case .engine(let event)? = inputs.last, case .failed(let error) = event.kind else { return nil }
        return error.message
    }
}

extension String {
    /// Without what would command a terminal.
    var printable: String {
        String(
            String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 })
        )
    }
}
