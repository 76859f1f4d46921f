package import MartletGrammar
package import MartletJSON
package import MartletProtocol
package import MartletSchema
internal import MartletText

/// The fields that every completion route shares, validated.
///
/// Most of them are part of the engine's request, which `request(handle:prompt:…)` makes. The others decide the form
/// of the response.
package struct CompletionOptions: Sendable, Equatable {
    /// Whether the response is a stream of server-sent events.
    package var streams = false
    /// Whether a stream has a chunk with the token counts before its end.
    package var includesUsage = false
    /// Whether the generation runs to its end without a connection; a later request reads its output.
    package var isBackground = false
    /// The time after which a silent stream gets a ping; nil = no pings.
    package var pingInterval: Duration?
    /// The model's name in the request. The server decides whether it is known.
    package var model: String?
    /// Differences between request and response, such as an unknown sampler; one sentence each.
    package private(set) var warnings: [String] = []
    /// Optional members of the response.
    package var responseFields: ResponseFields
    /// Compiles the schemas of this request, those of tools included.
    package let schemaCompiler: SchemaCompiler
    /// The limits of a grammar's size.
    package let grammarLimits: GrammarLimits
    /// The grammar of the content, if the request describes it as a schema. Tool calls combine it with their own
    /// grammar.
    package private(set) var schemaGrammar: Grammar?
    /// The field with a grammar, pattern or choice; nil = a schema, or no constraint. Such a constraint excludes tools.
    package private(set) var textField: String?
    /// The grammar fields as `generation_settings` shows them.
    private(set) var grammar = ReportedGrammar()
    package private(set) var reasoningFormat: ReasoningFormat
    /// The field `post_sampling_probs`, as `generation_settings` shows it.
    private(set) var usesPostSamplingProbabilities = false
    /// The number of choices per prompt.
    package var choiceCount = 1
    /// The scales of LoRA adapters; nil = those of the server.
    package var adapters: [AdapterScale]?
    /// The tokens that a context shift retains and drops, if the server allows shifts.
    let contextShift: ContextShift
    /// The engine's part of the options. Handle and prompt are placeholders.
    private(set) var generation: GenerationRequest

    /// The most choices per prompt, and per request.
    private static let choiceLimit = 128
    /// Each choice is a generation of the engine.
    private static let totalLimit = 1_024
    /// The range of token counts.
    private static let counts = 0...Int(Int32.max)

    /// - Parameters:
    ///   - defaults: the values of fields that the request omits.
    ///   - randomSeed: the seed if neither the request nor the defaults set one.
    ///   - zeroRequestsSampledToken: whether `logprobs: 0` asks for the logprob of each sampled token, as in OpenAI's
    ///     text
    ///     completions.
    /// - Throws: `invalidRequest` that names the field, the rule and the value; `notSupported` for a field that this
    ///   version does not honour.
    package init(
        _ fields: FieldReader, defaults: CompletionDefaults, randomSeed: UInt64, zeroRequestsSampledToken: Bool = false
    ) throws(APIError) {
        try UnsupportedFields.check(fields)
        streams = try fields.bool("stream") ?? false
        includesUsage = try fields.object("stream_options")?.bool("include_usage") ?? false
        isBackground = try fields.bool("background") ?? false
        model = try fields.string("model")
        pingInterval = defaults.pingInterval
        if let seconds = try fields.integer("sse_ping_interval", in: -1...Int(Int32.max)) {
            pingInterval = seconds > 0 ? .seconds(seconds) : nil
        }
        responseFields = try ResponseFields(fields, isVerbose: defaults.isVerbose)
        reasoningFormat = try ReasoningFormat(fields) ?? defaults.reasoningFormat
        choiceCount = try Self.choiceCount(fields)
        if let value = fields.value("lora") { adapters = try AdapterFields.read(value, name: "lora") }
        contextShift = ContextShift(
            keep: try fields.integer("n_keep", in: -1...Int(Int32.max)) ?? defaults.keptTokens,
            discard: try fields.integer("n_discard", in: Self.counts) ?? 0)
        var sampling = SamplingFields(fields: fields, defaults: defaults.sampling, omitsUnknown: true)
        let seed = fields.value("seed") == nil ? defaults.seed ?? randomSeed : randomSeed
        generation = GenerationRequest(
            handle: GenerationHandle(rawValue: 0), prompt: Prompt(pieces: [], addsBeginning: true),
            sampling: try sampling.parameters(randomSeed: seed))
        generation.probabilities = try ProbabilityFields.read(
            fields, zeroRequestsSampledToken: zeroRequestsSampledToken)
        schemaCompiler = try SchemaField.compiler(fields, default: defaults.schemaCompiler)
        grammarLimits = defaults.grammarLimits
        var constraint = try ConstraintFields(fields, defaults)
        // An empty grammar removes the default grammar.
        if constraint.constraint == nil, fields.value("grammar") == nil { constraint = ConstraintFields(defaults) }
        generation.constraint = constraint.constraint
        schemaGrammar = constraint.schema?.grammar
        textField = constraint.textField
        grammar = try ReportedGrammar(fields)
        warnings = sampling.warnings + (constraint.schema?.warnings ?? [])
        generation.maximumTokens = try Self.maximumTokens(fields) ?? defaults.maximumTokens
        if generation.maximumTokens == -1 { generation.maximumTokens = nil }
        generation.maximumTime = try Self.maximumTime(fields)
        usesPostSamplingProbabilities = try fields.bool("post_sampling_probs") ?? false
        // Only chats have a budget, but every route validates the field.
        _ = try ReasoningBudgetFields.budget(fields)
        generation.stops = try Self.stops(fields)
        if generation.stops.isEmpty { generation.stops = defaults.stops }
        generation.ignoresEndOfGeneration = try fields.bool("ignore_eos") ?? defaults.ignoresEndOfGeneration
        generation.reusesPrompt = try fields.bool("cache_prompt") ?? defaults.reusesPrompt
        generation.reportsProgress = try fields.bool("return_progress") ?? false
        generation.reportsTokenTimings = responseFields.timingsPerToken
        generation.minimumIndent = try fields.integer("n_indent", in: Self.counts) ?? 0
        if let slot = try fields.integer("id_slot", in: -1...Int(Int32.max)), slot >= 0 { generation.slot = slot }
        if defaults.shiftsContext { generation.contextShift = contextShift }
    }

    /// The options of a request without any field.
    package init(defaults: CompletionDefaults) {
        responseFields = ResponseFields()
        reasoningFormat = defaults.reasoningFormat
        schemaCompiler = defaults.schemaCompiler
        grammarLimits = defaults.grammarLimits
        contextShift = ContextShift(keep: defaults.keptTokens)
        generation = GenerationRequest(
            handle: GenerationHandle(rawValue: 0), prompt: Prompt(pieces: [], addsBeginning: true),
            sampling: defaults.sampling, maximumTokens: defaults.maximumTokens)
        generation.ignoresEndOfGeneration = defaults.ignoresEndOfGeneration
        generation.stops = defaults.stops
        generation.reusesPrompt = defaults.reusesPrompt
    }

    /// Checks the number of generations that one request starts.
    /// - Throws: `invalidRequest` for more than 1,024 choices in total.
    func check(promptCount: Int) throws(APIError) {
        guard promptCount * choiceCount <= Self.totalLimit else {
            throw .field(
                "prompt",
                "At most \(Self.totalLimit) choices are allowed in one request, but \(promptCount) prompts need "
                    + "\(promptCount * choiceCount)")
        }
    }

    /// Whether the engine adds counts and times to every token's event.
    package var reportsTokenTimings: Bool {
        get { generation.reportsTokenTimings }
        set { generation.reportsTokenTimings = newValue }
    }

    /// The value of `generation_settings`.
    /// - Parameter endTokens: the end-of-generation tokens of the model, as far as they are known.
    package func settings(endTokens: [Int32] = []) -> JSONValue {
        GenerationSettings.json(of: self, seed: JSONValue(generation.sampling.seed), endTokens: endTokens)
    }

    /// The token ids of `logit_bias` that a vocabulary of this size lacks.
    package func unknownTokens(vocabularySize: Int) -> [Int32] {
        var unknown: [Int32] = []
        for bias in generation.sampling.logitBiases {
            if case .token(let id) = bias.target, Int(id) >= vocabularySize { unknown.append(id) }
        }
        return unknown
    }

    /// Appends `,"timings":{…}` if the request asks for timings with every token.
    func writeTimings(_ tokenTimings: TokenTimings?, to bytes: inout [UInt8]) {
        guard responseFields.timingsPerToken, let tokenTimings else { return }
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(tokenTimings.timings, to: &bytes)
    }

    /// Appends `,"prompt_progress":{…}`, after timings if the request asks for them.
    func writeProgress(_ progress: PromptProgress, to bytes: inout [UInt8]) {
        if responseFields.timingsPerToken {
            var timings = Timings()
            timings.promptTokens = progress.processed
            timings.cachedTokens = progress.cached
            timings.promptTime = progress.elapsed
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeTimings(timings, to: &bytes)
        }
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeProgress(progress, to: &bytes)
    }

    /// OpenAI's `n`, or llama-server's `n_cmpl`.
    private static func choiceCount(_ fields: FieldReader) throws(APIError) -> Int {
        for name in ["n", "n_cmpl"] {
            if let value = try fields.integer(name, in: 1...choiceLimit) { return value }
        }
        return 1
    }

    /// The engine's request for one choice.
    ///
    /// - Parameters:
    ///   - visibleDelimiters: special tokens whose text appears in the output, for the output parser.
    ///   - adapters: the server's scales, for a request without scales.
    ///   - constraint: replaces the constraint of the request; nil = that of the request.
    ///   - unknownTokens: token ids whose biases are omitted, because the vocabulary lacks them.
    ///   - choice: the number of the choice. A choice above 0 shares the prefill of choice 0, whose handle is `choice`
    ///     less.
    package func request(
        handle: GenerationHandle, prompt: Prompt, visibleDelimiters: [String] = [], adapters: [AdapterScale] = [],
        constraint: GenerationConstraint? = nil, leavingOut unknownTokens: [Int32] = [], choice: Int = 0
    ) -> GenerationRequest {
        var request = generation
        if !unknownTokens.isEmpty {
            let unknown = Set(unknownTokens)
            request.sampling.logitBiases.removeAll { bias in
                if case .token(let id) = bias.target { unknown.contains(id) } else { false }
            }
        }
        if choice > 0 {
            // Other choices share the first one's prefill, and their seeds differ.
            request.sharedPrefillParent = GenerationHandle(rawValue: handle.rawValue - UInt64(choice))
            request.slot = nil
            request.sampling.seed &+= UInt64(choice)
            request.reportsProgress = false
        }
        request.adapters = self.adapters ?? adapters
        request.handle = handle
        request.prompt = prompt
        request.visibleDelimiters = visibleDelimiters
        if let constraint { request.constraint = constraint }
        return request
    }

    /// The parameters of choice 0.
    package var sampling: SamplingParameters { generation.sampling }

    /// The constraint of the content; reasoning is free.
    package var constraint: GenerationConstraint? { generation.constraint }

    /// Whether the log gets the logprobs of the prompt's tokens.
    package var reportsPromptLogprobs: Bool {
        get { generation.reportsPromptLogprobs }
        set { generation.reportsPromptLogprobs = newValue }
    }

    /// Whether the log gets probabilities of the output's tokens.
    package var reportsProbabilities: Bool { generation.probabilities != nil }

    /// The stage of sampling at which probabilities are measured, if the request asks for them.
    package var probabilityStage: ProbabilityRequest.Stage { generation.probabilities?.stage ?? .beforeSampling }

    /// The limit of the time for generated tokens, in milliseconds (`t_max_predict_ms`); nil = no limit.
    static func maximumTime(_ fields: FieldReader) throws(APIError) -> Duration? {
        guard let milliseconds = try fields.integer("t_max_predict_ms", in: -1...Int(Int32.max)), milliseconds > 0
        else {
            return nil
        }
        return .milliseconds(milliseconds)
    }

    /// - Returns: nil if no field is present; -1 for "until the context is full".
    static func maximumTokens(_ fields: FieldReader) throws(APIError) -> Int? {
        for name in ["n_predict", "max_completion_tokens", "max_tokens"] {
            if let value = try fields.integer(name, in: -1...Int(Int32.max)) { return value }
        }
        return nil
    }

    /// The most stop strings of one request, and the most bytes of one.
    private static let stopCountLimit = 256
    private static let stopLengthLimit = 4_096

    /// Reads one stop string or a list. Empty strings and duplicates are omitted.
    static func stops(_ fields: FieldReader) throws(APIError) -> [String] {
        guard let value = fields.value("stop") else { return [] }
        let values = value.arrayValue ?? [value]
        guard values.count <= stopCountLimit else {
            throw .field("stop", "At most \(stopCountLimit) strings are allowed, but got \(values.count)")
        }
        var stops: [String] = []
        for (index, element) in values.enumerated() {
            let name = value.arrayValue == nil ? "stop" : "stop[\(index)]"
            guard let text = element.stringValue else {
                throw .field(name, "Value must be a string, but got \(FieldReader.short(element))")
            }
            guard text.utf8.count <= stopLengthLimit else {
                throw .field(name, "At most \(stopLengthLimit) bytes are allowed, but got \(text.utf8.count)")
            }
            if !text.isEmpty, !stops.containsBytes(of: text) { stops.append(text) }
        }
        return stops
    }
}
