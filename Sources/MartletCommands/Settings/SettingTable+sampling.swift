extension SettingTable {
    /// How tokens are drawn beyond the usual few. Each is the default of a request's field, which checks it too.
    static let sampling: [Setting] = [
        Setting(
            .seed, ["-s"], environment: ["LLAMA_ARG_SEED"], .integer(-1...Int64(UInt32.max)), "NUMBER", default: "-1",
            in: .requests, for: .edge, "Fixes what is drawn. -1 or 4294967295 = another one for each request."),
        Setting(
            .samplers, environment: ["LLAMA_ARG_SAMPLERS"], .anyText, "NAMES",
            unset: "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature", in: .requests, for: .edge,
            "Which samplers are used in which order, with semicolons between them."),
        Setting(
            .samplerSequence, ["--sampler-seq"], environment: ["LLAMA_ARG_SAMPLING_SEQ"], .anyText, "LETTERS",
            unset: "edskypmxt", in: .requests, for: .edge,
            "The same as letters: e penalties, d dry, s top_n_sigma, k top_k, y typ_p, p top_p, m min_p, x xtc, "
                + "t temperature, a adaptive_p. Not together with --samplers."),
        Setting(
            .ignoreEnd, environment: ["LLAMA_ARG_IGNORE_EOS"], .toggle, default: "off", in: .requests, for: .edge,
            "Go on when the model would end its answer."),
        Setting(
            .logitBias, ["-l"], environment: ["LLAMA_ARG_LOGIT_BIAS"], .list, "BIASES", in: .requests, for: .edge,
            "Tokens to make more or less likely: 15043+1 or 15043-1 adds that to the score of token 15043, 15043-inf bans "
                + "it."),
        Setting(
            .topNSigma, ["--top-nsigma"], environment: ["LLAMA_ARG_TOP_N_SIGMA"], .number(-1...1_000), "NUMBER",
            default: "-1", in: .requests, for: .edge,
            "Drop tokens whose score is more than this many standard deviations below the highest. Below 0 = none."),
        Setting(
            .typicalP, ["--typical-p"], environment: ["LLAMA_ARG_TYPICAL"], .number(0...1), "SHARE", default: "1",
            in: .requests, for: .edge, "Draw among the tokens of typical surprise that have this probability. 1 = all."
        ),
        Setting(
            .xtcProbability, environment: ["LLAMA_ARG_XTC_PROBABILITY"], .number(0...1), "SHARE", default: "0",
            in: .requests, for: .edge, "How often all but the last of the likeliest tokens are left out. 0 = never."),
        Setting(
            .xtcThreshold, environment: ["LLAMA_ARG_XTC_THRESHOLD"], .number(0...1), "SHARE", default: "0.1",
            in: .requests, for: .edge, "The probability from which on a token is one of them. Above 0.5 = never."),
        Setting(
            .dynamicTemperatureRange, environment: ["LLAMA_ARG_DYNATEMP_RANGE"], .number(0...100), "NUMBER",
            default: "0", in: .requests, for: .edge,
            "How far the temperature moves up and down with the model's uncertainty. 0 = it stands still."),
        Setting(
            .dynamicTemperatureExponent, environment: ["LLAMA_ARG_DYNATEMP_EXP"], .number(0...100), "NUMBER",
            default: "1", in: .requests, for: .edge, "How uncertainty becomes temperature."),
        Setting(
            .mirostat, environment: ["LLAMA_ARG_MIROSTAT"], .integer(0...2), "VERSION", default: "0", in: .requests,
            for: .edge, "Keep the surprise of tokens near a target, by version 1 or 2 of mirostat. 0 = off."),
        Setting(
            .mirostatEntropy, environment: ["LLAMA_ARG_MIROSTAT_ENT"], .number(0...100), "NUMBER", default: "5",
            in: .requests, for: .edge, "That target."),
        Setting(
            .mirostatRate, environment: ["LLAMA_ARG_MIROSTAT_LR"], .number(0...100), "NUMBER", default: "0.1",
            in: .requests, for: .edge, "How fast mirostat learns."),
        Setting(
            .adaptiveTarget, environment: ["LLAMA_ARG_ADAPTIVE_TARGET"], .number(-1...1), "SHARE", default: "-1",
            in: .requests, for: .edge,
            "The probability near which adaptive_p draws, where it is among the samplers. Below 0 = as usual."),
        Setting(
            .adaptiveDecay, environment: ["LLAMA_ARG_ADAPTIVE_DECAY"], .number(0...0.99), "SHARE", default: "0.9",
            in: .requests, for: .edge, "How long it remembers."),
        Setting(
            .dryMultiplier, environment: ["LLAMA_ARG_DRY_MULTIPLIER"], .number(0...100), "NUMBER", default: "0",
            in: .requests, for: .edge, "Makes tokens less likely that would continue a repetition. 0 = off."),
        Setting(
            .dryBase, environment: ["LLAMA_ARG_DRY_BASE"], .number(1...100), "NUMBER", default: "1.75", in: .requests,
            for: .edge, "By how much each further token of a repetition counts more."),
        Setting(
            .dryAllowedLength, environment: ["LLAMA_ARG_DRY_ALLOWED_LENGTH"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "2", in: .requests, for: .edge, "Repetitions up to this length cost nothing."),
        Setting(
            .dryLastN, environment: ["LLAMA_ARG_DRY_PENALTY_LAST_N"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "64", in: .requests, for: .edge, "How many of the last tokens are looked at. 0 = off."),
        Setting(
            .drySequenceBreaker, environment: ["LLAMA_ARG_DRY_SEQUENCE_BREAKER"], .texts, "TEXT",
            unset: "a line break, :, \" and *", in: .requests, for: .edge,
            "A text over which no repetition reaches; may be repeated. 'none' = there are none."),
        Setting(
            .escape, ["-e"], environment: ["LLAMA_ARG_ESCAPE"], .toggle, default: "on", in: .requests, for: .edge,
            "In that text and in --reverse-prompt, \\n is a line break, and so on for \\r, \\t, \\', \\\", \\\\ and \\x41."
        ),
    ]
}
