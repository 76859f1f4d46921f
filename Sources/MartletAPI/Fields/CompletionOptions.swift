package import MartletGrammar
package import MartletJSON
package import MartletProtocol
package import MartletSchema
internal import MartletText

/// The fields that every completion route shares.
package struct CompletionOptions: Sendable, Equatable {
    package var streams = false
    /// One more chunk with the token counts before the end of a stream.
    package var includesUsage = false
    /// The generation goes on without its client, which asks for the answer later.
    package var isBackground = false
    /// `nil` = no pings.
    package var pingInterval: Duration?
    /// As the request names it; which names are known is for the server to say.
    package var model: String?
    /// What of the request is not honoured, a sentence each; told with the answer.
    package private(set) var warnings: [String] = []
    /// What is told beside the answer.
    package var responseFields: ResponseFields
    /// How schemas are treated, those of tools too.
    package let schemaCompiler: SchemaCompiler
    /// What a grammar may cost.
    package let grammarLimits: GrammarLimits
    /// What the answer's text must be, where that is asked for as a schema.
    package private(set) var schemaGrammar: Grammar?
    /// The field with the grammar, pattern or choice; `nil` = a schema, or no constraint.
    package private(set) var textField: String?
    /// The grammar fields as `generation_settings` shows them.
    private(set) var grammar = ReportedGrammar()
    package private(set) var reasoningFormat: ReasoningFormat
    /// Whether probabilities are to be those after sampling, where they are asked for.
    private(set) var usesPostSamplingProbabilities = false
    /// How many answers to each prompt are wanted.
    package var choiceCount = 1
    /// How strongly adapters are applied; `nil` = as the server has it.
    package var adapters: [AdapterScale]?
    /// What is dropped when the context is full, if that is allowed.
    let contextShift: ContextShift
    private(set) var generation: GenerationRequest

    /// Most answers to one prompt, and to all of a request.
    private static let choiceLimit = 128
    private static let totalLimit = 1_024
    private static let counts = 0...Int(Int32.max)

    /// - Parameter randomSeed: used when the request fixes none.
    /// - Parameters:
    ///   - randomSeed: used when the request fixes none.
    ///   - zeroRequestsSampledToken: whether `logprobs: 0` asks for the drawn tokens', as OpenAI's text completions
    ///     have it.
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
        // An empty grammar asks for none.
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
        // Only chats have a budget. Every route validates the field.
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

    /// What answers get that are asked for without any field.
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

    /// - Throws: when so many prompts want too many answers.
    func check(promptCount: Int) throws(APIError) {
        guard promptCount * choiceCount <= Self.totalLimit else {
            throw .field(
                "prompt",
                "At most \(Self.totalLimit) answers are allowed in one request, but \(promptCount) prompts want "
                    + "\(promptCount * choiceCount)")
        }
    }

    /// Whether every token's event tells where the generation stands.
    package var reportsTokenTimings: Bool {
        get { generation.reportsTokenTimings }
        set { generation.reportsTokenTimings = newValue }
    }

    /// What `generation_settings` shows.
    /// - Parameter endTokens: of the model, as far as they are known.
    package func settings(endTokens: [Int32] = []) -> JSONValue {
        GenerationSettings.json(of: self, seed: JSONValue(generation.sampling.seed), endTokens: endTokens)
    }

    /// The tokens of `logit_bias` that a vocabulary of this size lacks.
    package func unknownTokens(vocabularySize: Int) -> [Int32] {
        var unknown: [Int32] = []
        for bias in generation.sampling.logitBiases {
            if case .token(let id) = bias.target, Int(id) >= vocabularySize { unknown.append(id) }
        }
        return unknown
    }

    /// Appends `"timings":{…}` behind a comma where it is asked for with every token.
    func writeTimings(_ tokenTimings: TokenTimings?, to bytes: inout [UInt8]) {
        guard responseFields.timingsPerToken, let tokenTimings else { return }
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(tokenTimings.timings, to: &bytes)
    }

    /// Appends the progress of a prompt, behind a comma, with timings where the request asks for them.
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

    private static func choiceCount(_ fields: FieldReader) throws(APIError) -> Int {
        for name in ["n", "n_cmpl"] {
            if let value = try fields.integer(name, in: 1...choiceLimit) { return value }
        }
        return 1
    }

    /// The engine's form of these options.
    ///
    /// - Parameters:
    ///   - adapters: how strongly they are applied where the request does not say.
    ///   - constraint: in place of the one that the request names; `nil` = that one.
    ///   - unknownTokens: biases of these are left out.
    ///   - choice: which of several answers to the prompt it is.
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
            // The others share what the first one reads, and draw otherwise.
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

    package var sampling: SamplingParameters { generation.sampling }

    /// What the request says of what may be written, apart from thinking.
    package var constraint: GenerationConstraint? { generation.constraint }

    /// Whether how likely the prompt's own tokens were is told too.
    package var reportsPromptLogprobs: Bool {
        get { generation.reportsPromptLogprobs }
        set { generation.reportsPromptLogprobs = newValue }
    }

    package var reportsProbabilities: Bool { generation.probabilities != nil }

    /// What probabilities are of, where they are asked for.
    package var probabilityStage: ProbabilityRequest.Stage { generation.probabilities?.stage ?? .beforeSampling }

    static func maximumTime(_ fields: FieldReader) throws(APIError) -> Duration? {
        guard let milliseconds = try fields.integer("t_max_predict_ms", in: -1...Int(Int32.max)), milliseconds > 0
        else {
            return nil
        }
        return .milliseconds(milliseconds)
    }

    static func maximumTokens(_ fields: FieldReader) throws(APIError) -> Int? {
        for name in ["n_predict", "max_completion_tokens", "max_tokens"] {
            if let value = try fields.integer(name, in: -1...Int(Int32.max)) { return value }
        }
        return nil
    }

    /// Most stop texts in one request, and most bytes of one.
    private static let stopCountLimit = 256
    private static let stopLengthLimit = 4_096

    static func stops(_ fields: FieldReader) throws(APIError) -> [String] {
        guard let value = fields.value("stop") else { return [] }
        let values = value.arrayValue ?? [value]
        guard values.count <= stopCountLimit else {
            throw .field("stop", "At most \(stopCountLimit) texts are allowed, but got \(values.count)")
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
