package import MartletJSON
package import MartletProtocol

/// The body of a text completion, validated.
package struct TextCompletionRequest: Sendable, Equatable {
    package var prompt: Prompt
    package var options: CompletionOptions
    /// Whether the prompt is shown before the answer.
    package var echoes: Bool

    /// - Parameter randomSeed: used when the request fixes none.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        guard let value = fields.value("prompt") else {
            throw .field("prompt", "A text or a list of tokens is required, but the field is missing")
        }
        let prompts = try PromptFields.read(value, name: "prompt").prompts
        guard let first = prompts.first, prompts.count == 1 else {
            throw APIError(
                .notSupported, "Field 'prompt': several prompts in one request are not supported by this version",
                parameter: "prompt")
        }
        prompt = first
        options = try CompletionOptions(fields, defaults: defaults, randomSeed: randomSeed)
        echoes = try fields.bool("echo") ?? false
        if echoes, options.tellsProbabilities {
            throw APIError(
                .notSupported, "Field 'echo': probabilities of a prompt's tokens are not supported by this version",
                parameter: "echo")
        }
    }
}
