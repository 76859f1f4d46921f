package import MartletJSON
package import MartletProtocol

/// The body of `/completion`, validated.
package struct LlamaServerCompletionRequest: Sendable, Equatable {
    package var prompts: [Prompt]
    package var options: CompletionOptions

    /// - Parameter randomSeed: used when the request fixes none.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        guard let value = fields.value("prompt") else {
            throw .field("prompt", "A text or a list of tokens is required, but the field is missing")
        }
        prompts = try PromptFields.read(value, name: "prompt").prompts
        options = try CompletionOptions(fields, defaults: defaults, randomSeed: randomSeed)
        try options.check(promptCount: prompts.count)
        // Each chunk of a stream tells how many tokens there are.
        options.reportsTokenTimings = options.reportsTokenTimings || options.streams
    }
}
