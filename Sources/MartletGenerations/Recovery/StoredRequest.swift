package import MartletJSON

/// The dialect of a completion. The raw values are part of journals.
package enum CompletionKind: String, Sendable {
    case chat
    case text
    case native
    case messages
    case responses
    case ollamaChat = "ollama-chat"
    case ollamaGenerate = "ollama-generate"

    /// Whether the chat template makes the prompt.
    package var isChat: Bool {
        switch self {
        case .chat, .messages, .responses, .ollamaChat, .ollamaGenerate: true
        case .text, .native: false
        }
    }
}

/// A completion's request as a journal stores it. The completion can be made from it again.
package struct StoredRequest: Sendable, Equatable {
    package var kind: CompletionKind
    package var body: JSONValue
    /// The texts of the prompts that the response contains.
    package var promptTexts: [String]
    /// The seed of the output, unless the body names one.
    package var seed: UInt64
    /// The build of the server that began the generation, as its response shows it.
    package var build: String
    /// Whether its tool calls have short ids.
    package var hasShortCallIDs: Bool
    /// The tokens that end an output of the model, as far as they were known.
    package var endTokens: [Int32]

    /// Makes the stored form of a request.
    package init(
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

    /// The request as a JSON object.
    package var bytes: [UInt8] {
        let value: JSONValue = [
            "kind": .string(kind.rawValue), "build": .string(build), "body": body,
            "seed": .string("\(seed)"), "prompts": .array(promptTexts.map { .string($0) }),
            "short_call_ids": .bool(hasShortCallIDs),
            "end_tokens": .array(endTokens.map { .integer(Int64($0)) }),
        ]
        return Array(value.text.utf8)
    }

    /// Reads `bytes`; nil if they are not a stored request.
    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes, limits: .envelope), let body = value["body"],
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
