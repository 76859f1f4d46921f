import MartletAPI
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections

/// Settings that are defaults of the sampling fields of requests.
///
/// Each setting is read by the code that reads the field, so both have the same rules and the same error texts.
enum SamplingDefaults {
    /// The request field of each setting.
    private static let fields: KeyValuePairs<FlagKey, String> = [
        .samplers: "samplers", .samplerSequence: "samplers", .logitBias: "logit_bias", .topNSigma: "top_n_sigma",
        .typicalP: "typical_p", .xtcProbability: "xtc_probability", .xtcThreshold: "xtc_threshold",
        .dynamicTemperatureRange: "dynatemp_range", .dynamicTemperatureExponent: "dynatemp_exponent",
        .mirostat: "mirostat", .mirostatEntropy: "mirostat_tau", .mirostatRate: "mirostat_eta",
        .adaptiveTarget: "adaptive_target", .adaptiveDecay: "adaptive_decay", .dryMultiplier: "dry_multiplier",
        .dryBase: "dry_base", .dryAllowedLength: "dry_allowed_length", .dryLastN: "dry_penalty_last_n",
        .drySequenceBreaker: "dry_sequence_breakers",
    ]

    /// Reads each setting as a request's field.
    /// - Parameter notice: Receives a line about each sampler that does not exist and was ignored.
    /// - Throws: If a value breaks the field's rule, or `--samplers` and `--sampling-seq` are both set.
    static func apply(
        _ values: SettingValues, to defaults: inout CompletionDefaults, notice: (String) -> Void
    ) throws(SettingError) {
        let samplers = try values.chosen(of: .samplers, .samplerSequence)
        for (key, field) in fields where field != "samplers" || key == samplers {
            guard let value = try json(key, values) else { continue }
            if value == [], key == .drySequenceBreaker {
                defaults.sampling.dry.sequenceBreakers = []
                continue
            }
            do {
                for warning in try defaults.readSampling([field: value]) { notice("--\(key.rawValue): \(warning)") }
            } catch {
                throw SettingError("--\(key.rawValue): \(error.message)")
            }
        }
        // 4294967295 is llama-server's value for a random seed.
        if let value = values.integer(.seed), value >= 0, value < Int(UInt32.max) { defaults.seed = UInt64(value) }
        if let value = values.toggle(.ignoreEnd) { defaults.ignoresEndOfGeneration = value }
    }

    /// The setting as the JSON value of its field; `nil` if it is not set.
    private static func json(_ key: FlagKey, _ values: SettingValues) throws(SettingError) -> JSONValue? {
        switch values.choices[key]?.value {
        case nil: return nil
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let text) where key == .samplers:
            return .array(text.split(separator: ";").map { .string(String($0)) })
        case .text(let text): return .string(text)
        case .list(let texts) where key == .drySequenceBreaker:
            // 'none' removes the breakers before it, the default ones included.
            let wanted = texts.lastIndex(of: "none").map { texts[($0 + 1)...] } ?? texts[...]
            let escapes = values.toggle(.escape) ?? true
            return .array(wanted.map { .string(escapes ? EscapedText.unescaped($0) : $0) })
        case .list(let texts):
            var pairs: [JSONValue] = []
            for text in texts { pairs.append(try bias(text)) }
            return .array(pairs)
        case .toggle, .object, .bounds: return nil
        }
    }

    /// Reads `15043+1`, `15043-1` or `15043-inf` as a pair of token and bias. `false` bans the token.
    private static func bias(_ text: String) throws(SettingError) -> JSONValue {
        if let sign = text.firstIndex(where: { $0 == "+" || $0 == "-" }),
            let token = Int64(text[..<sign].filter { $0 != " " }),
            let bias = Double(text[sign...].filter { $0 != " " }),
            bias.isFinite || bias < 0
        {
            return [.integer(token), bias.isFinite ? .number(bias) : false]
        }
        throw SettingError(
            "--logit-bias must be a token id, a sign and a number, such as 15043-1 or 15043-inf, not '\(text)'")
    }
}
