import MartletGenerations
import MartletJSON
import MartletProtocol
import OrderedCollections

/// The sampling settings as `generation_settings` and `/props` show them: llama-server's names in its order, then
/// Martlet's.
enum GenerationSettings {
    /// - Parameters:
    ///   - options: the validated request, or the server's defaults.
    ///   - seed: the value to show.
    ///   - endTokens: the end-of-generation tokens of the model. `ignore_eos` bans them.
    static func json(of options: CompletionOptions, seed: JSONValue, endTokens: [Int32]) -> JSONValue {
        let request = options.parameters
        var members = sampling(request.sampling, seed: seed)
        members["stop"] = .array(request.stops.map { .string($0) })
        members["max_tokens"] = integer(request.maximumTokens ?? -1)
        members["n_predict"] = integer(request.maximumTokens ?? -1)
        members["n_keep"] = integer(options.contextShift.keep)
        members["n_discard"] = integer(options.contextShift.discard)
        members["ignore_eos"] = .bool(request.ignoresEndOfGeneration)
        members["stream"] = .bool(options.streams)
        // llama-server shows `ignore_eos` as bans, too.
        let ignored = request.ignoresEndOfGeneration ? endTokens.map { LogitBias(.token($0), bias: -.infinity) } : []
        members["logit_bias"] = .array((request.sampling.logitBiases + ignored).map(bias))
        members["n_probs"] = integer(request.probabilities?.count ?? 0)
        members["min_keep"] = integer(request.sampling.minKeep)
        members["grammar"] = .string(options.grammar.text)
        members["grammar_lazy"] = .bool(options.grammar.isLazy)
        members["grammar_triggers"] = .array(options.grammar.triggers)
        members["preserved_tokens"] = []
        members["reasoning_format"] = .string(options.reasoningFormat.rawValue)
        members["reasoning_in_content"] = .bool(options.streams && options.reasoningFormat == .deepseekLegacy)
        members["samplers"] = .array(SamplerNames.names(request.sampling.samplers))
        members["speculative.types"] = .string(SpeculationFields.text(of: request.speculation.kinds ?? []))
        members["timings_per_token"] = .bool(options.responseFields.timingsPerToken)
        members["post_sampling_probs"] = .bool(options.usesPostSamplingProbabilities)
        // A feature of llama-server that this server lacks has the value that stands for "off".
        members["backend_sampling"] = false
        members["lora"] = .array(
            (options.adapters ?? []).map { ["id": integer($0.index), "scale": float($0.scale)] })
        members["n_indent"] = integer(request.minimumIndent)
        members["t_max_predict_ms"] = integer(request.maximumTime.map { Int($0.milliseconds) } ?? -1)
        members["cache_prompt"] = .bool(request.reusesPrompt)
        members["id_slot"] = integer(request.slot ?? -1)
        return .object(members)
    }

    /// The members that describe sampling.
    private static func sampling(_ sampling: SamplingParameters, seed: JSONValue) -> JSONObject {
        [
            "seed": seed, "temperature": float(sampling.temperature),
            "dynatemp_range": float(sampling.dynamicTemperatureRange),
            "dynatemp_exponent": float(sampling.dynamicTemperatureExponent),
            "top_k": integer(sampling.topK), "top_p": float(sampling.topP), "min_p": float(sampling.minP),
            "top_n_sigma": float(sampling.topNSigma), "xtc_probability": float(sampling.xtcProbability),
            "xtc_threshold": float(sampling.xtcThreshold), "typical_p": float(sampling.typicalP),
            "repeat_last_n": integer(sampling.repeatLastN), "repeat_penalty": float(sampling.repeatPenalty),
            "presence_penalty": float(sampling.presencePenalty),
            "frequency_penalty": float(sampling.frequencyPenalty),
            "dry_multiplier": float(sampling.dry.multiplier), "dry_base": float(sampling.dry.base),
            "dry_allowed_length": integer(sampling.dry.allowedLength),
            "dry_penalty_last_n": integer(sampling.dry.lastN),
            "dry_sequence_breakers": .array(sampling.dry.sequenceBreakers.map { .string($0) }),
            "mirostat": integer(Int(sampling.mirostat.rawValue)), "mirostat_tau": float(sampling.mirostatTau),
            "mirostat_eta": float(sampling.mirostatEta), "adaptive_target": float(sampling.adaptiveTarget),
            "adaptive_decay": float(sampling.adaptiveDecay),
        ]
    }

    /// One entry of `logit_bias`. A banned token has the bias `null`, because JSON has no infinity.
    private static func bias(_ bias: LogitBias) -> JSONValue {
        let value: JSONValue = bias.bias.isFinite ? float(bias.bias) : .null
        return switch bias.target {
        case .token(let id): ["token": .integer(Int64(id)), "bias": value]
        case .text(let text): ["token": .string(text), "bias": value]
        }
    }

    /// A count as JSON.
    private static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// The shortest decimal that reads back as the same `Float`: 0.95, not 0.949999988079071.
    private static func float(_ value: Float) -> JSONValue { .number(Double(value.description) ?? Double(value)) }
}
