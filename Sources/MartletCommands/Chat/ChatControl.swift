import MartletJSON
import OrderedCollections

/// What a person tells an answer that is being written.
enum ChatControl: Sendable, Equatable {
    case skip
    case pause
    case resume
    case temperature(Double)
    case say(String)
    case fork
    /// Back to the last place that reads so; `nil` = to the beginning.
    case rewind(String?)

    /// Body of `POST /v1/generations/{id}/control`.
    var body: JSONValue {
        switch self {
        case .skip: ["action": "reasoning_end"]
        case .pause: ["action": "pause"]
        case .resume: ["action": "resume"]
        case .temperature(let value): ["action": "set", "changes": ["temperature": .number(value)]]
        case .say(let text):
            ["action": "inject", "role": "user", "content": .string(text), "when": "sentence"]
        case .fork: ["action": "fork"]
        case .rewind(nil): ["action": "rewind", "to_token": 0]
        case .rewind(let text?): ["action": "rewind", "to_text": .string(text)]
        }
    }
}
