internal import MartletJSON

/// Which route made a completion.
enum CompletionKind: String, Sendable {
    case chat
    case text
    case native
}

/// A completion's request as a journal keeps it, from which the completion can be made again.
struct StoredRequest: Sendable, Equatable {
    var kind: CompletionKind
    var body: JSONValue
    /// What its client was told that the prompts are.
    var promptTexts: [String]
    /// What its answer was drawn with, unless the body says it.
    var seed: UInt64
    /// Of the server that answered, as its answers show it.
    var build: String
    /// Whether its tool calls have short ids.
    var hasShortCallIDs: Bool
    /// The tokens that end an answer of the model, as far as they were known.
    var endTokens: [Int32]

    init(
        kind: CompletionKind, body: JSONValue, promptTexts: [String], seed: UInt64, build: String,
        hasShortCallIDs: Bool, endTokens: [Int32] = []
    ) {
        self.kind = kind
        self.body = body
        self.promptTexts = promptTexts
        self.seed = seed
        self.build = build
        self.hasShortCallIDs = hasShortCallIDs
        self.endTokens = endTokens
    }

    var bytes: [UInt8] {
        let value: JSONValue = [
            "kind": .string(kind.rawValue), "build": .string(build), "body": body,
            "seed": .string("\(seed)"), "prompts": .array(promptTexts.map { .string($0) }),
            "short_call_ids": .bool(hasShortCallIDs),
            "end_tokens": .array(endTokens.map { .integer(Int64($0)) }),
        ]
        return Array(value.text.utf8)
    }

    /// - Returns: `nil` if `bytes` are none.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes), let body = value["body"],
            let kind = value["kind"]?.stringValue.flatMap(CompletionKind.init), let build = value["build"]?.stringValue,
            let prompts = value["prompts"]?.arrayValue,
            let seed = value["seed"]?.stringValue.flatMap({ UInt64($0) })
        else { return nil }
        self.init(
            kind: kind, body: body, promptTexts: prompts.compactMap(\.stringValue), seed: seed, build: build,
            hasShortCallIDs: value["short_call_ids"]?.boolValue ?? false,
            endTokens: (value["end_tokens"]?.arrayValue ?? []).compactMap {
                $0.integerValue.flatMap(Int32.init(exactly:))
            })
    }
}
