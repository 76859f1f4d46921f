import MartletConversation
package import MartletGenerations
package import MartletJSON
package import MartletProtocol
import MartletStreams
import OrderedCollections

/// The body of `/api/generate`, validated.
package struct OllamaGenerateRequest: Sendable, Equatable {
    /// The prompt.
    package enum Input: Sendable, Equatable {
        /// No prompt: clients load a model with such a request.
        case nothing
        /// The prompt is a turn of the user in the model's template.
        case chat(ChatCompletionRequest)
        /// The prompt is continued as it is (`raw`).
        case text(Prompt)
        /// The model writes what belongs between prompt and suffix.
        case gap(prefix: String, suffix: String)
    }
    package var input: Input
    /// The options of the completion, whatever the input is.
    package var options: CompletionOptions

    /// - Parameter randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        options = try OllamaFields.completionOptions(fields, defaults: defaults, randomSeed: randomSeed)
        try OllamaFields.refuse(["template", "context", "images"], in: fields)
        // The edge stores a prompt with its layout as token ids.
        let tokens = try fields.array("prompt_tokens")
        let prompt = try fields.string("prompt") ?? ""
        let suffix = try fields.string("suffix") ?? ""
        let system = try fields.string("system") ?? ""
        let isRaw = try fields.bool("raw") ?? false
        let arguments = try OllamaFields.templateArguments(fields)
        fields.accept("truncate", "shift")
        try options.reportUnused(fields, defaults)
        if let tokens {
            input = .text(try PromptFields.one(.array(tokens), name: "prompt_tokens"))
        } else if !suffix.isEmpty {
            input = .gap(prefix: prompt, suffix: suffix)
        } else if isRaw {
            input =
                prompt.isEmpty
                ? .nothing : .text(Prompt(pieces: [.text(prompt, isTrusted: true)], addsBeginning: true))
        } else if prompt.isEmpty {
            input = .nothing
        } else {
            let messages =
                (system.isEmpty ? [] : [ConversationMessage(.system, system)])
                + [ConversationMessage(.user, prompt)]
            var chat = ChatCompletionRequest(messages: messages, options: options)
            chat.templateArguments = arguments
            chat.reasoningBudget = defaults.reasoningBudget
            chat.reasoningTurnBudget = defaults.reasoningTurnBudget
            chat.reasoningMessage = defaults.reasoningMessage
            input = .chat(chat)
        }
    }

    /// The body of the same request with the tokens of its layout in place of prompt and suffix.
    ///
    /// A journal stores this body, so that recovery needs no tokenizer.
    package static func filled(_ json: JSONValue, tokens: [Int32]) -> JSONValue {
        guard case .object(var members) = json else { return json }
        members.removeValue(forKey: "suffix")
        members["prompt_tokens"] = .array(tokens.map { .integer(Int64($0)) })
        return .object(members)
    }
}
