import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletText
import OrderedCollections

/// The settings that a command can change while a generation runs, under the names of the request fields.
///
/// Validation is that of requests: the same readers check the same limits.
enum SettingFields {
    /// The names in results. The order is that of `changes` in messages.
    private static let names: [(name: String, key: AdjustableSettingKey)] = [
        ("temperature", .temperature), ("top_k", .topK), ("top_p", .topP), ("min_p", .minP),
        ("top_n_sigma", .topNSigma), ("typical_p", .typicalP), ("min_keep", .minKeep),
        ("dynatemp_range", .dynamicTemperatureRange), ("dynatemp_exponent", .dynamicTemperatureExponent),
        ("xtc_probability", .xtcProbability), ("xtc_threshold", .xtcThreshold), ("repeat_last_n", .repeatLastN),
        ("repeat_penalty", .repeatPenalty), ("frequency_penalty", .frequencyPenalty),
        ("presence_penalty", .presencePenalty), ("dry_multiplier", .dryMultiplier), ("dry_base", .dryBase),
        ("dry_allowed_length", .dryAllowedLength), ("dry_penalty_last_n", .dryLastN),
        ("dry_sequence_breakers", .drySequenceBreakers), ("mirostat", .mirostat), ("mirostat_tau", .mirostatTau),
        ("mirostat_eta", .mirostatEta), ("adaptive_target", .adaptiveTarget), ("adaptive_decay", .adaptiveDecay),
        ("samplers", .samplers), ("logit_bias", .logitBiases), ("seed", .seed), ("max_tokens", .maximumTokens),
        ("t_max_predict_ms", .maximumTime), ("stop", .stops), ("n_probs", .probabilities),
        ("reasoning_budget_tokens", .reasoningBudget), ("grammar", .constraint),
    ]
    /// Alternative names that requests may use. Results always have the first name.
    private static let aliases: [String: AdjustableSettingKey] = [
        "n_predict": .maximumTokens, "max_completion_tokens": .maximumTokens, "logprobs": .probabilities,
        "top_logprobs": .probabilities, "post_sampling_probs": .probabilities,
        "thinking_budget_tokens": .reasoningBudget, "json_schema": .constraint, "response_format": .constraint,
        "structured_outputs": .constraint, "guided_json": .constraint, "guided_regex": .constraint,
        "guided_choice": .constraint, "guided_grammar": .constraint,
    ]

    /// Reads `changes` of a command.
    /// - Parameter settings: the current values. They fill every field that the request does not name.
    /// - Throws: `invalidRequest` for an unknown field or a value out of range.
    static func change(
        _ fields: FieldReader, of settings: AdjustableSettings, defaults: CompletionDefaults
    ) throws(APIError) -> SettingsChange {
        var change = SettingsChange()
        for (name, value) in fields.members where value != .null {
            guard let key = names.first(where: { $0.name == name })?.key ?? aliases[name] else {
                throw .field(
                    fields.path(name.excerpt(bytes: 64)), "This field cannot be changed while a generation runs")
            }
            // Two names of one setting count once.
            if !change.keys.contains(key) { change.keys.append(key) }
        }
        // Unchanged settings have their current values, so a result can show old and new ones.
        change.values = settings
        var sampling = SamplingFields(fields: fields, defaults: settings.sampling)
        change.values.sampling = try sampling.parameters(randomSeed: .randomSeed())
        if change.keys.contains(.maximumTokens) {
            let limit = try CompletionOptions.maximumTokens(fields)
            change.values.maximumTokens = limit == -1 ? nil : limit
        }
        if change.keys.contains(.maximumTime) { change.values.maximumTime = try CompletionOptions.maximumTime(fields) }
        if change.keys.contains(.stops) { change.values.stops = try CompletionOptions.stops(fields) }
        if change.keys.contains(.probabilities) { change.values.probabilities = try ProbabilityFields.read(fields) }
        change.values.constraint =
            change.keys.contains(.constraint) ? try ConstraintFields(fields, defaults).constraint : nil
        if change.keys.contains(.reasoningBudget) {
            // -1 on the wire is nil here: no limit.
            let budget = try ReasoningBudgetFields.budget(fields)
            change.values.reasoningBudget = budget == -1 ? nil : budget
        }
        return change
    }

    /// The values of the named settings as JSON.
    static func values(_ keys: [AdjustableSettingKey], of settings: AdjustableSettings) -> JSONValue {
        var members = JSONObject()
        for key in keys {
            guard let name = names.first(where: { $0.key == key })?.name else { continue }
            members[name] = value(key, of: settings)
        }
        return .object(members)
    }

    /// One value as a request would spell it.
    private static func value(_ key: AdjustableSettingKey, of settings: AdjustableSettings) -> JSONValue {
        let sampling = settings.sampling
        // The shortest decimal that reads back as the same `Float`.
        func number(_ value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
        func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        return switch key {
        case .temperature: number(sampling.temperature)
        case .topK: integer(sampling.topK)
        case .topP: number(sampling.topP)
        case .minP: number(sampling.minP)
        case .topNSigma: number(sampling.topNSigma)
        case .typicalP: number(sampling.typicalP)
        case .minKeep: integer(sampling.minKeep)
        case .dynamicTemperatureRange: number(sampling.dynamicTemperatureRange)
        case .dynamicTemperatureExponent: number(sampling.dynamicTemperatureExponent)
        case .xtcProbability: number(sampling.xtcProbability)
        case .xtcThreshold: number(sampling.xtcThreshold)
        case .repeatLastN: integer(sampling.repeatLastN)
        case .repeatPenalty: number(sampling.repeatPenalty)
        case .frequencyPenalty: number(sampling.frequencyPenalty)
        case .presencePenalty: number(sampling.presencePenalty)
        case .dryMultiplier: number(sampling.dry.multiplier)
        case .dryBase: number(sampling.dry.base)
        case .dryAllowedLength: integer(sampling.dry.allowedLength)
        case .dryLastN: integer(sampling.dry.lastN)
        case .drySequenceBreakers: .array(sampling.dry.sequenceBreakers.map { .string($0) })
        case .mirostat: integer(Int(sampling.mirostat.rawValue))
        case .mirostatTau: number(sampling.mirostatTau)
        case .mirostatEta: number(sampling.mirostatEta)
        case .adaptiveTarget: number(sampling.adaptiveTarget)
        case .adaptiveDecay: number(sampling.adaptiveDecay)
        case .samplers: .array(SamplerNames.names(sampling.samplers))
        // The number of biases: JSON has no infinity, which is the bias of a banned token.
        case .logitBiases: integer(sampling.logitBiases.count)
        case .seed: .string("\(sampling.seed)")
        case .maximumTokens: integer(settings.maximumTokens ?? -1)
        case .maximumTime: settings.maximumTime.map { integer(Int($0.milliseconds)) } ?? -1
        case .stops: .array(settings.stops.map { .string($0) })
        case .probabilities: integer(settings.probabilities?.count ?? 0)
        case .reasoningBudget: integer(settings.reasoningBudget ?? -1)
        // Only whether there is a grammar: its compiled form has no spelling.
        case .constraint: .bool(settings.constraint != nil)
        }
    }
}
