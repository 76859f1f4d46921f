internal import MartletJSON

/// Which route made a completion.
enum CompletionKind: String, Sendable {
    case chat
    case text
    case native
}

/// A completion's request as a journal keeps it, from which the completion can be made again.
struct RequestOrigin: Sendable, Equatable {
    var kind: CompletionKind
    var body: JSONValue
    /// What its client was told that the prompt is.
    var promptText: String
    /// Of the server that answered, as its answers show it.
    var build: String

    init(kind: CompletionKind, body: JSONValue, promptText: String, build: String) {
        self.kind = kind
        self.body = body
        self.promptText = promptText
        self.build = build
    }

    var bytes: [UInt8] {
        let value: JSONValue = [
            "kind": .string(kind.rawValue), "build": .string(build), "prompt": .string(promptText), "body": body,
        ]
        return Array(value.text.utf8)
    }

    /// - Returns: `nil` if `bytes` are none.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes), let body = value["body"],
            let kind = value["kind"]?.stringValue.flatMap(CompletionKind.init), let build = value["build"]?.stringValue,
            let promptText = value["prompt"]?.stringValue
        else { return nil }
        self.init(kind: kind, body: body, promptText: promptText, build: build)
    }
}
