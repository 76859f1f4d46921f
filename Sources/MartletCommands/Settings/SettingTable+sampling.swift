extension SettingTable {
    /// Further settings of sampling. Each is the default of a request's field, whose rules also apply.
    static let sampling: [Setting] = [
        Setting(
            .seed, ["-s"], environment: ["LLAMA_ARG_SEED"], .integer(-1...Int64(UInt32.max)), "NUMBER", default: "-1",
            in: .requests, for: .edge, "The seed of sampling. -1 or 4294967295 = a random seed per request."),
        Setting(
            .samplers, environment: ["LLAMA_ARG_SAMPLERS"], .anyText, "NAMES",
            unset: "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature", in: .requests, for: .edge,
            "The samplers in their order, with semicolons between them."),
        Setting(
            .samplerSequence, ["--sampler-seq"], environment: ["LLAMA_ARG_SAMPLING_SEQ"], .anyText, "LETTERS",
            unset: "edskypmxt", in: .requests, for: .edge,
            "The samplers as letters: e penalties, d dry, s top_n_sigma, k top_k, y typ_p, p top_p, m min_p, x xtc, "
                + "t temperature, a adaptive_p. Excludes --samplers."),
        Setting(
            .ignoreEnd, environment: ["LLAMA_ARG_IGNORE_EOS"], .toggle, default: "off", in: .requests, for: .edge,
            "Continue after an end-of-generation token."),
        Setting(
            .logitBias, ["-l"], environment: ["LLAMA_ARG_LOGIT_BIAS"], .list, "BIASES", in: .requests, for: .edge,
            "Biases of tokens: 15043+1 or 15043-1 changes the logit of token 15043, and 15043-inf bans the token."),
        Setting(
            .topNSigma, ["--top-nsigma"], environment: ["LLAMA_ARG_TOP_N_SIGMA"], .number(-1...1_000), "NUMBER",
            default: "-1", in: .requests, for: .edge,
            "Drop tokens whose logit is more than this number of standard deviations below the highest. Below 0 = off."),
        Setting(
            .typicalP, ["--typical-p"], environment: ["LLAMA_ARG_TYPICAL"], .number(0...1), "SHARE", default: "1",
            in: .requests, for: .edge,
            "Locally typical sampling: the total probability of the tokens to sample from. 1 = all."
        ),
        Setting(
            .xtcProbability, environment: ["LLAMA_ARG_XTC_PROBABILITY"], .number(0...1), "SHARE", default: "0",
            in: .requests, for: .edge,
            "XTC: the probability with which all top tokens except the least likely are removed. 0 = off."),
        Setting(
            .xtcThreshold, environment: ["LLAMA_ARG_XTC_THRESHOLD"], .number(0...1), "SHARE", default: "0.1",
            in: .requests, for: .edge, "XTC: the minimum probability of a top token. Above 0.5 = off."),
        Setting(
            .dynamicTemperatureRange, environment: ["LLAMA_ARG_DYNATEMP_RANGE"], .number(0...100), "NUMBER",
            default: "0", in: .requests, for: .edge,
            "Dynamic temperature: the distance above and below --temp. 0 = off."),
        Setting(
            .dynamicTemperatureExponent, environment: ["LLAMA_ARG_DYNATEMP_EXP"], .number(0...100), "NUMBER",
            default: "1", in: .requests, for: .edge, "Dynamic temperature: the exponent of the entropy."),
        Setting(
            .mirostat, environment: ["LLAMA_ARG_MIROSTAT"], .integer(0...2), "VERSION", default: "0", in: .requests,
            for: .edge, "The version of mirostat, which holds the surprise of tokens near a target. 0 = off."),
        Setting(
            .mirostatEntropy, environment: ["LLAMA_ARG_MIROSTAT_ENT"], .number(0...100), "NUMBER", default: "5",
            in: .requests, for: .edge, "Mirostat's target entropy."),
        Setting(
            .mirostatRate, environment: ["LLAMA_ARG_MIROSTAT_LR"], .number(0...100), "NUMBER", default: "0.1",
            in: .requests, for: .edge, "Mirostat's learning rate."),
        Setting(
            .adaptiveTarget, environment: ["LLAMA_ARG_ADAPTIVE_TARGET"], .number(-1...1), "SHARE", default: "-1",
            in: .requests, for: .edge,
            "The target probability of the sampler adaptive_p. Below 0 = off."),
        Setting(
            .adaptiveDecay, environment: ["LLAMA_ARG_ADAPTIVE_DECAY"], .number(0...0.99), "SHARE", default: "0.9",
            in: .requests, for: .edge, "The decay of the history of adaptive_p."),
        Setting(
            .dryMultiplier, environment: ["LLAMA_ARG_DRY_MULTIPLIER"], .number(0...100), "NUMBER", default: "0",
            in: .requests, for: .edge, "DRY: the penalty of tokens that would continue a repetition. 0 = off."),
        Setting(
            .dryBase, environment: ["LLAMA_ARG_DRY_BASE"], .number(1...100), "NUMBER", default: "1.75", in: .requests,
            for: .edge, "DRY: the base of the penalty's growth with the length of a repetition."),
        Setting(
            .dryAllowedLength, environment: ["LLAMA_ARG_DRY_ALLOWED_LENGTH"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "2", in: .requests, for: .edge, "DRY: the maximum length of a repetition without a penalty."),
        Setting(
            .dryLastN, environment: ["LLAMA_ARG_DRY_PENALTY_LAST_N"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "64", in: .requests, for: .edge,
            "DRY: the number of last tokens that are searched for repetitions. 0 = off."),
        Setting(
            .drySequenceBreaker, environment: ["LLAMA_ARG_DRY_SEQUENCE_BREAKER"], .texts, "TEXT",
            unset: "a line break, :, \" and *", in: .requests, for: .edge,
            "DRY: a text that ends a repetition; may be repeated. 'none' = no such text."),
        Setting(
            .escape, ["-e"], environment: ["LLAMA_ARG_ESCAPE"], .toggle, default: "on", in: .requests, for: .edge,
            "Read escapes in --dry-sequence-breaker and --reverse-prompt: \\n is a line break, likewise \\r, \\t, \\', \\\", \\\\ and \\x41."
        ),
    ]
}
