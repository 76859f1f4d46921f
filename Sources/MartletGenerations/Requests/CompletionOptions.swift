package import MartletGrammar
package import MartletProtocol
package import MartletSchema

/// The options that every kind of completion shares, validated.
///
/// `MartletAPI` reads this value from JSON; other callers fill it themselves. The ranges of the fields are those of
/// `GenerationParameters`.
package struct CompletionOptions: Sendable, Equatable {
    package var streams = false
    /// Whether a stream ends with a chunk that has the token counts.
    package var includesUsage = false
    /// Whether the generation has the background lifetime: it continues without a connection to its end.
    package var isBackground = false
    /// The longest silence of a stream; nil = no pings.
    package var pingInterval: Duration?
    /// The model that the request names. A `ModelDirectory` finds it.
    package var model: String?
    /// The time for which the model remains loaded after this request; negative = for ever; nil = the model's own.
    package var keepAlive: Duration?
    /// One sentence for each part of the request that has no effect. The response contains them.
    package var warnings: [String] = []
    /// Whether the stream reports the download and the load of the model that the request waits for.
    package var reportsLoad = false
    /// The optional members of the response.
    package var responseFields = ResponseFields()
    /// The mode and limits of JSON Schemas, those of tools included.
    package var schemaCompiler: SchemaCompiler
    /// The limits of a grammar.
    package var grammarLimits: GrammarLimits
    /// The grammar of the content, if the request names it as a schema.
    package var schemaGrammar: Grammar?
    /// The field with the grammar, pattern or choice; nil for a schema or no constraint.
    package var textField: String?
    /// The grammar fields in the form that `generation_settings` shows.
    package var grammar = ReportedGrammar()
    package var reasoningFormat: ReasoningFormat
    /// Whether probabilities, if requested, are those after sampling.
    package var usesPostSamplingProbabilities = false
    /// The number of choices per prompt.
    package var choiceCount = 1
    /// The scales of the model's adapters; nil = the server's.
    package var adapters: [AdapterScale]?
    /// The rule for a full context. It is in force only if `parameters` contains it.
    package var contextShift = ContextShift()
    /// The pinned prefix that the request names; nil = none.
    package var prefix: PrefixReference?
    /// Whether a cache report contains text of the cached prompt.
    package var showsCachedText = true
    /// The engine's parameters, before the model is known.
    package var parameters: GenerationParameters

    /// The largest number of choices of one request, over all its prompts.
    package static let totalChoiceLimit = 1_024

    /// Makes the options of a request that leaves every optional field out.
    package init(
        parameters: GenerationParameters, reasoningFormat: ReasoningFormat, schemaCompiler: SchemaCompiler,
        grammarLimits: GrammarLimits
    ) {
        self.parameters = parameters
        self.reasoningFormat = reasoningFormat
        self.schemaCompiler = schemaCompiler
        self.grammarLimits = grammarLimits
    }

    /// Whether every token's event contains timings.
    package var reportsTokenTimings: Bool {
        get { parameters.reportsTokenTimings }
        set { parameters.reportsTokenTimings = newValue }
    }

    /// Whether the response contains the logprobs of the prompt's own tokens.
    package var reportsPromptLogprobs: Bool {
        get { parameters.reportsPromptLogprobs }
        set { parameters.reportsPromptLogprobs = newValue }
    }

    package var sampling: SamplingParameters { parameters.sampling }

    /// The constraint of the content that the request names. Reasoning is not part of it.
    package var constraint: GenerationConstraint? { parameters.constraint }

    package var reportsProbabilities: Bool { parameters.probabilities != nil }

    /// The stage of sampling at which probabilities are measured, if they are requested.
    package var probabilityStage: ProbabilityRequest.Stage { parameters.probabilities?.stage ?? .beforeSampling }

    /// The tokens of `logit_bias` that a vocabulary of this size lacks.
    package func unknownTokens(vocabularySize: Int) -> [Int32] {
        var unknown: [Int32] = []
        for bias in parameters.sampling.logitBiases {
            if case .token(let id) = bias.target, Int(id) >= vocabularySize { unknown.append(id) }
        }
        return unknown
    }

    /// The engine's request for one choice of a prompt.
    ///
    /// The first choice of a prompt is computed alone; the others share its prefill, have seeds of their own, and
    /// report no progress.
    ///
    /// - Parameters:
    ///   - handle: the choice's handle. The handles of a prompt's choices are consecutive.
    ///   - choice: the number of the choice among those of the prompt, from 0 on.
    package func request(handle: GenerationHandle, prompt: PreparedPrompt, choice: Int = 0) -> GenerationRequest {
        var request = GenerationRequest(handle: handle, prompt: prompt.prompt, parameters: parameters)
        if !prompt.unknownTokens.isEmpty {
            let unknown = Set(prompt.unknownTokens)
            request.parameters.sampling.logitBiases.removeAll { bias in
                if case .token(let id) = bias.target { unknown.contains(id) } else { false }
            }
        }
        if choice > 0 {
            request.sharedPrefillParent = GenerationHandle(rawValue: handle.rawValue - UInt64(choice))
            request.parameters.slot = nil
            request.parameters.sampling.seed &+= UInt64(choice)
            request.parameters.reportsProgress = false
        }
        request.adapters = adapters ?? prompt.adapters
        request.visibleDelimiters = prompt.visibleDelimiters
        request.reasoning = prompt.reasoning
        if let constraint = prompt.constraint { request.parameters.constraint = constraint }
        return request
    }
}
