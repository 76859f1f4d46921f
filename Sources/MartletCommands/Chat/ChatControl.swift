import MartletJSON
import OrderedCollections

/// A control command that a person enters during a generation, e.g. `/skip`.
enum ChatControl: Sendable, Equatable {
    /// Ends the reasoning.
    case skip
    case pause
    case resume
    case temperature(Double)
    /// Another setting of the request; `nil` = the server's default, which only the next response can have.
    case set(String, JSONValue?)
    /// Injects a user message at the end of the sentence.
    case say(String)
    case fork
    /// Removes the output from the last occurrence of the text on; `nil` = all output.
    case rewind(String?)

    /// The command as it is entered, e.g. `/skip`.
    var name: String {
        switch self {
        case .skip: "/skip"
        case .pause: "/pause"
        case .resume: "/resume"
        case .temperature: "/temp"
        case .set: "/set"
        case .say: "/say"
        case .fork: "/fork"
        case .rewind: "/rewind"
        }
    }

    /// The body of `POST /v1/generations/{id}/control`.
    var body: JSONValue {
        switch self {
        case .skip: ["action": "reasoning_end"]
        case .pause: ["action": "pause"]
        case .resume: ["action": "resume"]
        case .temperature(let value): ["action": "set", "changes": ["temperature": .number(value)]]
        case .set(let name, let value):
            ["action": "set", "changes": .object([name: value ?? .null])]
        case .say(let text):
            ["action": "inject", "role": "user", "content": .string(text), "when": "sentence"]
        case .fork: ["action": "fork"]
        case .rewind(nil): ["action": "rewind", "to_token": 0]
        case .rewind(let text?): ["action": "rewind", "to_text": .string(text)]
        }
    }
}
