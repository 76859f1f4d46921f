package import MartletGenerations
package import MartletJSON
package import MartletProtocol

/// The body of `/completion`, validated.
package struct LlamaServerCompletionRequest: Sendable, Equatable {
    /// At least one.
    package var prompts: [Prompt]
    package var options: CompletionOptions

    /// - Parameter randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        guard let value = fields.value("prompt") else {
            throw .field("prompt", "A text or a list of tokens is required, but the field is missing")
        }
        prompts = try PromptFields.read(value, name: "prompt").prompts
        options = try CompletionOptions(fields, defaults: defaults, randomSeed: randomSeed)
        try options.check(promptCount: prompts.count)
        // Each chunk of a stream has the counts of tokens.
        options.reportsTokenTimings = options.reportsTokenTimings || options.streams
        try options.reportUnused(fields, defaults)
    }
}
