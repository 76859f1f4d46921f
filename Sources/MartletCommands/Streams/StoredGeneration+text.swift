import MartletJSON
import MartletProtocol
import MartletStreams
import MartletText
import OrderedCollections

/// A stored generation as text and JSON of the commands `martlet streams`.
extension StoredGeneration {
    /// `unfinished`, `finished`, `cancelled` or `failed`, by the last record.
    var stateText: String {
        guard case .engine(let event)? = inputs.last else { return "unfinished" }
        switch event.kind {
        case .finished(let completion, _): return completion.reason == .cancelled ? "cancelled" : "finished"
        case .failed: return "failed"
        default: return "unfinished"
        }
    }

    /// The output of each choice as bytes, with the delimiters of the chat format.
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

    /// The client's request body; null if it cannot be read.
    var body: JSONValue { (try? JSONParser.parse(head.storedRequest))?["body"] ?? .null }

    /// The last message of the person, or the prompt, on one line of at most 50 characters.
    var preview: String {
        let message = body["messages"]?.arrayValue?.last { $0["role"]?.stringValue == "user" }
        let text = message?["content"]?.stringValue ?? body["prompt"]?.stringValue ?? body["input"]?.stringValue ?? ""
        return TextWidth.shortened(String(text.beginning(bytes: 1_024).map { $0.isNewline ? " " : $0 }), to: 50)
    }

    /// The metadata of the generation, without prompt and output. Times are in seconds since 1970.
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

    /// The message of a failed generation.
    private var errorText: String? {
        guard case .engine(let event)? = inputs.last, case .failed(let error) = event.kind else { return nil }
        return error.message
    }
}

extension String {
    /// The text with U+FFFD for each control character, so that it cannot control a terminal.
    var printable: String {
        String(
            String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 })
        )
    }
}

/// The age of a thing in its largest unit.
///
/// Example: `text(seconds: 200)` is `3 min`.
enum AgeText {
    /// - Parameter seconds: Negative ages, of a clock that was set back, count as 0.
    static func text(seconds: Int64) -> String {
        switch max(0, seconds) {
        case 0..<60: "\(max(0, seconds)) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) d"
        }
    }
}
