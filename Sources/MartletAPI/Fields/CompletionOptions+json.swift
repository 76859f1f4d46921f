package import MartletGenerations
package import MartletJSON
import MartletProtocol
import MartletText

// The JSON form of the options. Behind these functions every value is in its range, so that the application core and
// the engine check nothing again.
extension CompletionOptions {
    /// The most choices per prompt.
    private static var choiceLimit: Int { 128 }
    /// The range of token counts.
    private static var counts: ClosedRange<Int> { 0...Int(Int32.max) }

    /// Reads the fields that every completion route shares.
    ///
    /// - Parameters:
    ///   - randomSeed: the seed if the request names none.
    ///   - zeroRequestsSampledToken: whether `logprobs: 0` requests the sampled tokens' logprobs, as in OpenAI's text
    ///     completions.
    package init(
        _ fields: FieldReader, defaults: CompletionDefaults, randomSeed: UInt64, zeroRequestsSampledToken: Bool = false
    ) throws(APIError) {
        self.init(
            parameters: GenerationParameters(), reasoningFormat: defaults.reasoningFormat,
            schemaCompiler: defaults.schemaCompiler, grammarLimits: defaults.grammarLimits)
        try UnsupportedFields.check(fields)
        streams = try fields.bool("stream") ?? false
        let streamOptions = try fields.object("stream_options")
        // Random bytes that hide the length of tokens; no stream has them.
        streamOptions?.accept("include_obfuscation")
        includesUsage = try streamOptions?.bool("include_usage") ?? false
        isBackground = try fields.bool("background") ?? false
        model = try fields.string("model")
        keepAlive = try KeepAliveField.read(fields.value("keep_alive"))
        pingInterval = defaults.pingInterval
        // -1 and 0 switch pings off.
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
        // A seed of the server's flags applies only to requests without a seed of their own.
        let seed = fields.value("seed") == nil ? defaults.seed ?? randomSeed : randomSeed
        parameters.sampling = try sampling.parameters(randomSeed: seed)
        parameters.probabilities = try ProbabilityFields.read(
            fields, zeroRequestsSampledToken: zeroRequestsSampledToken)
        schemaCompiler = try SchemaField.compiler(fields, default: defaults.schemaCompiler)
        var constraint = try ConstraintFields(fields, defaults)
        // An empty grammar means no grammar.
        if constraint.constraint == nil, fields.value("grammar") == nil { constraint = ConstraintFields(defaults) }
        parameters.constraint = constraint.constraint
        schemaGrammar = constraint.schema?.grammar
        textField = constraint.textField
        grammar = try ReportedGrammar(fields)
        warnings = sampling.warnings + (constraint.schema?.warnings ?? [])
        if try fields.string("prompt_cache_retention") != nil {
            warnings.append("\"prompt_cache_retention\": no effect: the server decides how long prompts stay cached")
        }
        parameters.maximumTokens = try Self.maximumTokens(fields) ?? defaults.maximumTokens
        if parameters.maximumTokens == -1 { parameters.maximumTokens = nil }
        parameters.maximumTime = try Self.maximumTime(fields)
        usesPostSamplingProbabilities = try fields.bool("post_sampling_probs") ?? false
        // Only chats have a budget. Every route validates the field.
        _ = try ReasoningBudgetFields.budget(fields)
        // Stop strings of the request replace those of the flags.
        parameters.stops = try Self.stops(fields)
        if parameters.stops.isEmpty { parameters.stops = defaults.stops }
        parameters.ignoresEndOfGeneration = try fields.bool("ignore_eos") ?? defaults.ignoresEndOfGeneration
        parameters.reusesPrompt = try fields.bool("cache_prompt") ?? defaults.reusesPrompt
        prefix = try CacheFields.read(fields, shiftLength: defaults.shiftLength, into: &parameters)
        showsCachedText = defaults.showsCachedText
        parameters.reportsProgress = try fields.bool("return_progress") ?? false
        reportsLoad = try fields.bool("load_progress") ?? parameters.reportsProgress
        parameters.reportsTokenTimings = responseFields.timingsPerToken
        parameters.minimumIndent = try fields.integer("n_indent", in: Self.counts) ?? 0
        // -1 is llama-server's word for any slot.
        if let slot = try fields.integer("id_slot", in: -1...Int(Int32.max)), slot >= 0 { parameters.slot = slot }
        // `generation_settings` shows the fields of the shift even where the server does not allow one.
        if defaults.shiftsContext { parameters.contextShift = contextShift }
        parameters.speculation = try SpeculationFields.read(fields, default: defaults.speculation)
    }

    /// The options of a request without any field.
    package init(defaults: CompletionDefaults) {
        var parameters = GenerationParameters(
            sampling: defaults.sampling, maximumTokens: defaults.maximumTokens, stops: defaults.stops)
        parameters.ignoresEndOfGeneration = defaults.ignoresEndOfGeneration
        parameters.reusesPrompt = defaults.reusesPrompt
        parameters.cache.shiftLength = defaults.shiftLength
        parameters.speculation = defaults.speculation
        self.init(
            parameters: parameters, reasoningFormat: defaults.reasoningFormat,
            schemaCompiler: defaults.schemaCompiler, grammarLimits: defaults.grammarLimits)
        contextShift = ContextShift(keep: defaults.keptTokens)
    }

    /// - Throws: if the prompts have too many choices together.
    func check(promptCount: Int) throws(APIError) {
        guard promptCount * choiceCount <= Self.totalChoiceLimit else {
            throw .field(
                "prompt",
                "At most \(Self.totalChoiceLimit) choices are allowed in one request, but \(promptCount) prompts need "
                    + "\(promptCount * choiceCount)")
        }
    }

    /// The object `generation_settings` of a response.
    ///
    /// - Parameter endTokens: the model's, as far as they are known.
    package func settings(endTokens: [Int32] = []) -> JSONValue {
        GenerationSettings.json(of: self, seed: JSONValue(parameters.sampling.seed), endTokens: endTokens)
    }

    /// Appends `,"timings":{…}` if the request asks for timings with every token.
    func writeTimings(_ tokenTimings: TokenTimings?, to bytes: inout [UInt8]) {
        guard responseFields.timingsPerToken, let tokenTimings else { return }
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(tokenTimings.timings, to: &bytes)
    }

    /// Appends `,"prompt_progress":{…}`, after timings if the request asks for them.
    func writeProgress(_ progress: PromptProgress, to bytes: inout [UInt8]) {
        if responseFields.timingsPerToken, progress.wait == nil {
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
        let names = ["n", "n_cmpl"]
        fields.know(names)
        for name in names {
            if let value = try fields.integer(name, in: 1...choiceLimit) { return value }
        }
        return 1
    }

    /// The limit of the time for generated tokens (`t_max_predict_ms`); nil = no limit.
    static func maximumTime(_ fields: FieldReader) throws(APIError) -> Duration? {
        guard let milliseconds = try fields.integer("t_max_predict_ms", in: -1...Int(Int32.max)), milliseconds > 0
        else {
            return nil
        }
        return .milliseconds(milliseconds)
    }

    /// - Returns: nil if no field is present; -1 for "until the context is full".
    static func maximumTokens(_ fields: FieldReader) throws(APIError) -> Int? {
        let names = ["n_predict", "max_completion_tokens", "max_tokens"]
        fields.know(names)
        for name in names {
            if let value = try fields.integer(name, in: -1...Int(Int32.max)) { return value }
        }
        return nil
    }

    /// The largest number of stop strings, and the largest size of one in bytes.
    private static var stopCountLimit: Int { 256 }
    private static var stopLengthLimit: Int { 4_096 }

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
