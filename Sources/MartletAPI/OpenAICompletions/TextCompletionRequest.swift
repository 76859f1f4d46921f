package import MartletGenerations
package import MartletJSON
package import MartletProtocol
import MartletStreams
import OrderedCollections

/// The body of a text completion, validated.
package struct TextCompletionRequest: Sendable, Equatable {
    /// At least one.
    package var prompts: [Prompt]
    package var options: CompletionOptions
    /// Whether the prompt precedes the output.
    package var echoes: Bool

    /// Removes `suffix` from a body.
    ///
    /// - Returns: the text behind the gap that the completion fills; nil if there is none. An empty text is none.
    package static func removeSuffix(_ json: inout JSONValue) throws(APIError) -> String? {
        guard case .object(var members) = json else { return nil }
        let suffix = try FieldReader(json).string("suffix")
        members.removeValue(forKey: "suffix")
        json = .object(members)
        return suffix.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Parameter randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let bestOf = try BestOf(try FieldReader(json))
        var members = json.objectValue ?? [:]
        members["best_of"] = nil
        let fields = try FieldReader(.object(members))
        guard fields.value("tools")?.arrayValue?.isEmpty ?? true else {
            throw APIError(.notSupported, "Field 'tools': only chat completions support tools", field: "tools")
        }
        guard let value = fields.value("prompt") else {
            throw .field("prompt", "A text or a list of tokens is required, but the field is missing")
        }
        prompts = try PromptFields.read(value, name: "prompt").prompts
        options = try CompletionOptions(
            fields, defaults: defaults, randomSeed: randomSeed, zeroRequestsSampledToken: true)
        if let bestOf {
            options.choiceCount = bestOf.candidates
            if options.parameters.probabilities == nil {
                options.parameters.probabilities = ProbabilityRequest(count: 0, stage: .beforeSampling)
            }
        }
        try options.check(promptCount: prompts.count)
        echoes = try fields.bool("echo") ?? false
        if echoes, options.reportsProbabilities, bestOf?.showsProbabilities ?? true {
            guard options.probabilityStage == .beforeSampling else {
                throw .field(
                    "post_sampling_probs",
                    "Value must be false if \"echo\" is true, because the tokens of a prompt are not sampled")
            }
            options.reportsPromptLogprobs = true
        }
        try options.reportUnused(fields, defaults)
    }
}
